"""Measured numbers are compared with what readers stated."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadRecord
from ecgimg.evaluate.measuring.statements import (
    StatedRecord,
    draw_st,
    iter_stated,
    measure_stated,
    statement_table,
)
from synth import HeartSpec, simulate


def stated(name, statements, st_mv=0.0, **values):
    return StatedRecord(name, frozenset(statements), values, dict.fromkeys(("I", "V2"), st_mv))


def cells(table, column):
    return list(table.columns[column].cells)


def test_statement_table_of_long_pr():
    """A number that tells a statement perfectly has an AUROC of 1, over the records that it is given for."""
    records = [stated(str(k), {"SR"}, pr_ms=150.0 + k) for k in range(5)]
    records += [stated("a", {"1AVB"}, pr_ms=240.0), stated("b", {"1AVB"}, pr_ms=float("nan"))]
    table = statement_table(records)
    row = cells(table, 0).index("1AVB")
    assert [cells(table, column)[row] for column in range(2, 6)] == ["1.000", "6", "2", "1"]


def test_statement_table_without_stated_records():
    """A statement that no record has is not scored."""
    table = statement_table([stated("a", {"SR"}, pr_ms=150.0)])
    assert set(cells(table, 2)) == {"-"}


def test_iter_stated(tmp_path):
    """A record that two sources hold comes from the first; one without a row is passed over."""
    heart = simulate(HeartSpec(), np.random.default_rng(0), 4.0).record
    x = (1000 * heart.signals).astype(np.int16)
    for name, ids in (("a", [1, 2]), ("b", [2, 3])):
        np.savez(tmp_path / f"{name}.npz", x=np.stack([x, x]), ecg_id=ids)
        (tmp_path / f"{name}.csv").write_text("ecg_id,statements\n1,SR\n2,SR;1AVB\n", encoding="utf-8")
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    items = list(iter_stated(files, [path.with_suffix(".csv") for path in files]))
    assert [name for name, _, _ in items] == ["1", "2"]
    assert items[1][2] == {"SR", "1AVB"}


def test_iter_stated_without_column(tmp_path):
    """A table without statements is refused in one sentence."""
    (tmp_path / "a.csv").write_text("ecg_id\n1\n", encoding="utf-8")
    with pytest.raises(BadRecord, match="ecg_id and statements"):
        list(iter_stated([tmp_path / "a.npz"], [tmp_path / "a.csv"]))


@pytest.mark.usefixtures("delineator")
def test_measure_stated():
    """Each record keeps its statements and has its numbers."""
    heart = simulate(HeartSpec(rate_bpm=70), np.random.default_rng(0)).record
    (measured,) = measure_stated([("a", heart, frozenset({"SR"}))])
    assert measured.statements == {"SR"}
    assert measured.values["rate_bpm"] == pytest.approx(70, abs=3)
    assert set(measured.st_mv) == set(heart.leads)


def test_draw_st(tmp_path):
    """The figure holds normal records and each statement that some record has."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    records = [stated("a", {"NORM"}), stated("b", {"STE_"}, 0.2), stated("c", {"INJAS"}, 0.3)]
    draw_st(records, tmp_path / "st.png")
    assert (tmp_path / "st.png").stat().st_size > 5000
