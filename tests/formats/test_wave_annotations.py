"""Annotations of waves beside WFDB records."""

from __future__ import annotations

import pytest

from ecgimg import BadRecord, write_record
from ecgimg.formats.wave_annotations import AnnotatedWave, iter_annotated
from tests.annotated_hearts import annotated_heart, write_annotated, write_marks

pytest.importorskip("wfdb")


def test_iter_annotated_round_trip(tmp_path):
    """The waves of every lead are those that were marked, to the sample."""
    name, record, waves = annotated_heart(leads=("II", "V1"))
    write_annotated(tmp_path, name, record, waves)
    ((read_name, read_record, read_waves),) = iter_annotated(tmp_path)
    assert read_name == name
    assert read_record.leads == ("II", "V1")
    by_lead = sorted(read_waves, key=lambda wave: (wave.lead, wave.onset_s))
    assert [(wave.lead, wave.kind) for wave in by_lead] == [(wave.lead, wave.kind) for wave in waves]
    for due, wave in zip(waves, by_lead, strict=True):
        assert (wave.onset_s, wave.peak_s, wave.end_s) == pytest.approx((due.onset_s, due.peak_s, due.end_s), abs=0.001)


def test_iter_annotated_wave_without_onset_or_end(tmp_path):
    """A wave of which onset or end was not marked has None there, also as the first and last mark."""
    _, record, _ = annotated_heart(leads=("II",))
    header = write_record(record, tmp_path / "7.hea")
    marks = [(0.5, "p"), (0.6, ")"), (0.64, "("), (0.7, "N"), (1.0, "("), (1.1, "t"), (1.2, ")"), (1.5, "t")]
    write_marks(header.with_suffix(".ii"), marks, record.fs_hz)
    ((_, _, waves),) = iter_annotated(tmp_path)
    assert waves == (
        AnnotatedWave("II", "P", None, 0.5, 0.6),
        AnnotatedWave("II", "QRS", 0.64, 0.7, None),
        AnnotatedWave("II", "T", 1.0, 1.1, 1.2),
        AnnotatedWave("II", "T", None, 1.5, None),
    )


def test_iter_annotated_order_and_records_without_annotations(tmp_path):
    """Records come in the order of their numbers, also from folders below, but for those without annotations."""
    _, record, waves = annotated_heart(leads=("II",))
    for name in ("10", "9", "bare"):
        write_annotated(tmp_path / "data", name, record, waves if name != "bare" else ())
    assert [name for name, _, _ in iter_annotated(tmp_path)] == ["9", "10"]


def test_iter_annotated_lead_that_record_lacks(tmp_path):
    """Annotations of a lead that the record does not have are passed over."""
    name, record, waves = annotated_heart(leads=("II", "V1"))
    write_annotated(tmp_path, name, record.select(("II",)), waves)
    ((_, _, read),) = iter_annotated(tmp_path)
    assert {wave.lead for wave in read} == {"II"}


def test_iter_annotated_folder_without_annotations(tmp_path):
    """A folder without annotations is refused with what it should hold."""
    _, record, _ = annotated_heart(leads=("II",))
    write_record(record, tmp_path / "1.hea")
    with pytest.raises(BadRecord, match=r"no WFDB record with a file of annotations .*7\.ii"):
        list(iter_annotated(tmp_path))


@pytest.mark.parametrize("content", [b"", b"\x07", b"\xff" * 9], ids=["empty", "one byte", "noise"])
def test_iter_annotated_damaged_file(tmp_path, content):
    """A damaged file of annotations is refused by its name."""
    name, record, waves = annotated_heart(leads=("II",))
    header = write_annotated(tmp_path, name, record, waves)
    header.with_suffix(".ii").write_bytes(content)
    with pytest.raises(BadRecord, match=r"heart0\.ii"):
        list(iter_annotated(tmp_path))
