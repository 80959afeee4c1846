"""Records with labels: read from every source, and what is wrong with one said in a sentence."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from ecgimg import BadRecord, BadRequest, EcgRecord, write_record
from ecgimg.classification.labelled_records import joined, parse_folds, read_labelled
from ecgimg.classification.labels import LABELS
from ecgimg.classification.snomed import SCP_OF_SNOMED, header_codes


def write_npz(path, ids, fs_hz=100):
    rng = np.random.default_rng(0)
    np.savez(path, x=rng.integers(-900, 900, (len(ids), 12, fs_hz * 10)).astype(np.int16), ecg_id=np.array(ids))
    return path


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def named(data, row):
    return {label for label, said in zip(LABELS, data.targets[row], strict=True) if said}


@pytest.mark.parametrize("fs_hz", [100, 500])
def test_read_labelled_npz(tmp_path, fs_hz):
    """A file of records and a table of statements become labels, folds, age and sex."""
    records = write_npz(tmp_path / "r.npz", [7, 9], fs_hz)
    labels = write_csv(
        tmp_path / "l.csv",
        [
            {"ecg_id": 9, "age": "300", "sex": 1, "strat_fold": 2, "statements": "AFIB;NST_", "patient_id": "p"},
            {"ecg_id": 7, "age": "40", "sex": 0, "strat_fold": 1, "statements": "SR;NORM", "patient_id": "q"},
        ],
    )
    data = read_labelled(records, labels)
    assert data.ids.tolist() == ["7", "9"]
    assert data.signals_mv.shape == (2, 12, 1000)
    assert named(data, 0) == {"SR", "NORM", "super_NORM", "cinc_NORM"}
    assert named(data, 1) == {"AFIB", "NST", "super_STTC", "cinc_STTC", "cinc_AFIB/AFL"}
    assert data.folds.tolist() == [1, 2]
    assert data.age_years.tolist() == [40, 90]
    assert data.male.tolist() == [1, 0]
    assert data.known.all()
    assert parse_folds(data, "2-9").ids.tolist() == ["9"]
    with pytest.raises(BadRequest, match="no record is in the folds 5"):
        parse_folds(data, "5")


def test_read_labelled_with_blank_cells(tmp_path):
    """A blank cell of a label's column is unknown."""
    records = write_npz(tmp_path / "r.npz", [1, 2])
    labels = write_csv(tmp_path / "l.csv", [{"ecg_id": 1, "AFIB": 1, "LVH": ""}, {"ecg_id": 2, "AFIB": 0, "LVH": 1}])
    data = read_labelled(records, labels)
    assert data.known.sum(axis=1).tolist() == [1, 2]
    assert named(data, 0) == {"AFIB"}


def test_read_labelled_without_gain(tmp_path):
    """Labels of voltage are unknown where the gain is."""
    records = write_npz(tmp_path / "r.npz", [1])
    labels = write_csv(tmp_path / "l.csv", [{"ecg_id": 1, "statements": "LVH;SR"}])
    data = read_labelled(records, labels, gain_known=False)
    assert not data.known[0, LABELS.index("LVH")]
    assert data.known[0, LABELS.index("SR")]
    assert joined([data, data]).ids.tolist() == ["1", "1"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"ecg_id": 5, "statements": "SR"}], "no record of"),
        ([{"ecg_id": 1, "FLUTTERING": 1}], "FLUTTERING"),
        ([{"ecg_id": 1, "AFIB": "maybe"}], "must be 0 or 1"),
        ([{"id": 1, "AFIB": "1"}], "needs a column ecg_id"),
    ],
)
def test_read_labelled_refusals(tmp_path, rows, message):
    """A wrong table is refused with the record, column or value."""
    records = write_npz(tmp_path / "r.npz", [1])
    with pytest.raises(BadRecord, match=message):
        read_labelled(records, write_csv(tmp_path / "l.csv", rows))


def test_read_labelled_wfdb_headers(tmp_path):
    """SNOMED codes in WFDB headers become labels."""
    pytest.importorskip("wfdb")
    rng = np.random.default_rng(1)
    write_record(EcgRecord(rng.normal(0, 0.2, (12, 5000)), 500.0), tmp_path / "a.hea")
    with (tmp_path / "a.hea").open("a") as file:
        file.write("#Age: 50\n#Dx: 164889003,59118001,999\n")
    assert header_codes(tmp_path / "a.hea") == ("164889003", "59118001", "999")
    data = read_labelled(tmp_path, None)
    assert {"AFIB", "CRBBB", "super_CD"} <= named(data, 0)
    assert not data.known[0, LABELS.index("NORM")]
    assert set(SCP_OF_SNOMED.values()) >= {"AFIB", "SR"}


def test_read_labelled_ptbxl_folder(tmp_path):
    """A folder of PTB-XL is read with its labels."""
    pytest.importorskip("wfdb")
    (tmp_path / "records100").mkdir()
    write_record(
        EcgRecord(np.random.default_rng(1).normal(0, 0.2, (12, 1000)), 100.0), tmp_path / "records100" / "00001_lr.hea"
    )
    row = {"ecg_id": 1, "patient_id": 3.0, "age": 60, "sex": 1, "scp_codes": "{'NORM': 100.0, 'SR': 0.0}"}
    row |= {"strat_fold": 4, "filename_lr": "records100/00001_lr", "filename_hr": "records500/00001_hr"}
    write_csv(tmp_path / "ptbxl_database.csv", [row])
    data = read_labelled(tmp_path, None)
    assert data.ids.tolist() == ["1"]
    assert {"NORM", "SR"} <= named(data, 0)
