"""What holds of measuring whatever the record: scale, shift and gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgimg import EcgRecord
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import measure_record
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from synth import make_random_heart_spec, simulate

SEEDS = st.integers(0, 2**20)
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TIMES_MS = ("rr_ms", "p_duration_ms", "pr_ms", "qrs_ms", "qt_ms")
VOLTAGES = ("p_mv", "q_mv", "r_mv", "s_mv", "t_mv", "st_j60_mv", "qrs_area_mv_ms")


def heart(seed: int, duration_s: float = 6.0) -> EcgRecord:
    rng = np.random.default_rng(seed)
    return simulate(make_random_heart_spec(rng), rng, duration_s).record


def given_values(numbers, names):
    return {name: numbers[name].value for name in names if numbers.values and numbers[name].value is not None}


@FEW
@given(seed=SEEDS, power=st.integers(-4, 5))
def test_scaled_record(seed, power):
    """A record of another scale has the same times, and amplitudes of that scale."""
    record, factor = heart(seed), 2.0**power
    plain, scaled = (measure_record(EcgRecord(record.signals * f, record.fs_hz)) for f in (1.0, factor))
    assert given_values(plain, TIMES_MS) == pytest.approx(given_values(scaled, TIMES_MS), abs=0.1)
    assert len(plain.beats) == len(scaled.beats)
    for lead in ("II", "V2", "V6"):
        for name in VOLTAGES:
            value = plain.leads[lead][name].value if plain.leads else None
            if value is not None and abs(value) * min(factor, 1) > 0.1:
                assert scaled.leads[lead][name].value == pytest.approx(factor * value, rel=0.02)


@FEW
@given(seed=SEEDS, offset_mv=st.floats(-5, 5))
def test_record_with_offset(seed, offset_mv):
    """An offset of a lead changes nothing."""
    record = heart(seed)
    plain = measure_record(record)
    moved = measure_record(EcgRecord(record.signals + np.float32(offset_mv), record.fs_hz))
    assert given_values(plain, TIMES_MS) == pytest.approx(given_values(moved, TIMES_MS), abs=1)


@FEW
@given(seed=SEEDS, shift=st.integers(1, 60))
def test_shifted_record(seed, shift):
    """A record that begins later has its waves earlier by as much, and the same intervals."""
    record, steps = heart(seed, 8.0), 16 * shift  # by whole steps of the network: 16 samples at 500 Hz are 32 ms
    whole = measure_record(record)
    cut = measure_record(EcgRecord(record.signals[:, steps:], record.fs_hz))
    # a premature beat on a T wave may be found or not
    moved_s = [beat.qrs_s[0] + steps / record.fs_hz for beat in cut.beats if beat.kind is BeatClass.DOMINANT]
    middle = [time_s for time_s in moved_s if 3.0 < time_s < 7.0]
    own = np.array([beat.qrs_s[0] for beat in whole.beats])
    for time_s in middle:
        assert np.abs(own - time_s).min() < 0.03


@FEW
@given(seed=SEEDS, lead=st.sampled_from(STANDARD_LEADS), start_s=st.floats(0.2, 4.0), length_s=st.floats(0.05, 1.8))
def test_record_with_gap(seed, lead, start_s, length_s):
    """In a gap there is no wave of that lead, and a lead that is not known has no number."""
    record = heart(seed)
    signals = record.signals.copy()
    first, last = int(start_s * record.fs_hz), int((start_s + length_s) * record.fs_hz)
    signals[record.leads.index(lead), first:last] = np.nan
    numbers = measure_record(EcgRecord(signals, record.fs_hz))
    for beat in numbers.beats:
        waves = beat.leads.get(lead)
        if waves is not None:
            onset_s, _, end_s = waves.qrs_s or (0.0, 0.0, 0.0)
            assert end_s <= start_s + 0.03 or onset_s >= start_s + length_s - 0.03


@FEW
@given(seed=SEEDS, hidden=st.sets(st.sampled_from(STANDARD_LEADS), min_size=1, max_size=11))
def test_record_with_unknown_leads(seed, hidden):
    """A lead that is not known has no beat and no number."""
    record = heart(seed)
    visible = np.array([[lead not in hidden] for lead in record.leads])
    numbers = measure_record(record.masked(np.broadcast_to(visible, record.signals.shape)))
    for lead in hidden & set(numbers.leads):
        assert all(number.value is None for number in numbers.leads[lead].values.values())
        assert not any(lead in beat.leads for beat in numbers.beats)


@FEW
@given(seed=SEEDS, order=st.permutations(range(12)))
def test_leads_in_another_order(seed, order):
    """The order of the leads does not matter."""
    record = heart(seed)
    other = measure_record(record.select([record.leads[k] for k in order]))
    plain = measure_record(record)
    assert given_values(plain, TIMES_MS) == pytest.approx(given_values(other, TIMES_MS), abs=0.5)
