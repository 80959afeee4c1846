"""What a page shows more than once: limb leads that must add up, strips that repeat a lead."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.signals.lead_extraction import FS_HZ
from ecgimg.digitization.signals.reconcile import SlotReading, reconcile
from layouts import load_layout
from synth import HeartSpec, simulate

NOISE_MV = 0.02


def cells_of(layout_name, noise_mv=NOISE_MV, errors_mv=NOISE_MV):
    """Return cells of a simulated heart with noise on them, and what they are without."""
    rng = np.random.default_rng(5)
    record = simulate(HeartSpec(), np.random.default_rng(3)).record
    true, cells = [], []
    for slot in load_layout(layout_name).slots():
        first, stop = round(slot.start_s * FS_HZ), round(slot.end_s * FS_HZ)
        signal = record.lead(slot.lead)[first:stop].astype(np.float64)
        true.append(signal)
        noise = noise_mv * rng.standard_normal(len(signal))
        cells.append(SlotReading(slot, signal + noise, np.full(len(signal), errors_mv)))
    return cells, true


def errors_mv(cells, signals, true, chosen):
    """Return the root mean square error of the cells of some leads, before and after."""
    picked = [k for k, cell in enumerate(cells) if cell.slot.lead in chosen]
    return [
        float(np.sqrt(np.mean(np.concatenate([values[k] - true[k] for k in picked]) ** 2)))
        for values in ([cell.signal_mv for cell in cells], signals)
    ]


@pytest.mark.parametrize(
    ("layout_name", "leads", "left"),
    [
        ("3x4", ("I", "II", "III"), np.sqrt(2 / 3)),  # two signals in three
        ("12x1", ("I", "II", "III", "aVR", "aVL", "aVF"), np.sqrt(2 / 6)),
        ("3x4+V1", ("V1",), None),
    ],
)
def test_reconcile_of_repeated_leads(layout_name, leads, left):
    """What is shown more than once gets more accurate."""
    cells, true = cells_of(layout_name)
    signals = reconcile(cells)
    before, after = errors_mv(cells, signals, true, leads)
    assert after == pytest.approx(before * (left or after / before), rel=0.1)
    assert after < 0.95 * before


def test_reconcile_limb_and_chest_leads():
    """Limb leads obey their laws afterwards, and chest leads stay."""
    cells, _ = cells_of("12x1")
    signals = dict(zip((cell.slot.lead for cell in cells), reconcile(cells), strict=True))
    assert np.abs(signals["I"] + signals["III"] - signals["II"]).max() < 1e-6
    assert np.abs(signals["aVR"] + signals["aVL"] + signals["aVF"]).max() < 1e-6
    for cell in cells:
        if cell.slot.lead.startswith("V"):
            assert np.array_equal(signals[cell.slot.lead], cell.signal_mv)


def test_reconcile_error_in_one_row():
    """The other limb leads mend an error in one row."""
    cells, true = cells_of("12x1", noise_mv=0.005, errors_mv=0.005)
    lost = next(k for k, cell in enumerate(cells) if cell.slot.lead == "aVF")
    cells[lost].signal_mv[1000:1020] += 0.8  # a complex of the row below, taken for its own
    signals = reconcile(cells)
    assert np.abs(signals[lost] - true[lost])[1000:1020].max() < 0.1


def test_reconcile_error_in_one_of_three_leads():
    """Three leads stay as they were read where nothing tells which of them is wrong."""
    cells, _ = cells_of("3x4", noise_mv=0.005, errors_mv=0.005)
    cells[0].signal_mv[300:320] += 0.3
    signals = reconcile(cells)
    column = [k for k, cell in enumerate(cells) if cell.slot.column == 0]
    for k in column:
        assert np.array_equal(signals[k][300:320], cells[k].signal_mv[300:320])
        assert not np.array_equal(signals[k][:300], cells[k].signal_mv[:300])


def test_reconcile_leads_that_disagree():
    """Leads that disagree stay as they were read."""
    cells, _ = cells_of("3x4+II")
    second = next(k for k, cell in enumerate(cells) if cell.slot.lead == "II" and cell.slot.column is not None)
    cells[second].signal_mv[:] = cells[0].signal_mv[::-1]  # no lead II
    for cell, signal in zip(cells, reconcile(cells), strict=True):
        if cell.slot.column == 0:
            assert np.array_equal(signal, cell.signal_mv)


def test_reconcile_strip_of_other_lead():
    """A rhythm strip that does not repeat its lead changes nothing."""
    cells, _ = cells_of("3x4+II")
    clean = reconcile([cell for cell in cells if cell.slot.column is not None])
    strip = next(cell for cell in cells if cell.slot.column is None)
    strip.signal_mv[:] = np.roll(strip.signal_mv, 300)
    with_strip = reconcile(cells)
    assert np.array_equal(with_strip[-1], strip.signal_mv)
    assert all(np.array_equal(one, other) for one, other in zip(clean, with_strip, strict=False))


def test_reconcile_keeps_gaps_and_exact_values():
    """Gaps stay NaN, and values without error stay as they are."""
    cells, _ = cells_of("12x1")
    cells[0].signal_mv[500:900] = np.nan
    assert np.isnan(reconcile(cells)[0][500:900]).all()
    exact, _ = cells_of("12x1", errors_mv=0.0)
    assert all(np.array_equal(cell.signal_mv, signal) for cell, signal in zip(exact, reconcile(exact), strict=True))
