"""What was measured, as the classifier reads it."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.classification.measured_inputs import (
    BEAT_SAMPLES,
    BEFORE_ONSET,
    NUMBER_NAMES,
    MeasuredInputs,
    join_measured,
    measure_signals,
    measured_inputs,
)
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import Measurements, measure_record
from tests.classification.hearts import heart
from tests.measurement.measured import in_columns


def number(inputs: MeasuredInputs, name: str) -> float:
    return float(inputs.numbers[0, NUMBER_NAMES.index(name)])


@pytest.fixture(scope="module")
def measured(delineator) -> Measurements:
    return measure_record(heart(seed=3, rate_bpm=80))


def test_numbers_of_record(measured):
    """Numbers are those of the measurements, by name; beats are counted by kind."""
    inputs = measured_inputs([measured])
    assert inputs.numbers.shape == (1, len(NUMBER_NAMES))
    assert len(set(NUMBER_NAMES)) == len(NUMBER_NAMES)
    assert number(inputs, "rate_bpm") == pytest.approx(measured["rate_bpm"].value)
    assert number(inputs, "V2.s_mv") == pytest.approx(measured.leads["V2"]["s_mv"].value)
    assert number(inputs, "beats") == len(measured.beats)
    assert number(inputs, "share_dominant") == 1
    assert number(inputs, "has_p") == 1


def test_usual_beat(measured):
    """The usual beat of a lead has its R wave after the onset, as high as it is measured above the baseline."""
    (beats,) = measured_inputs([measured]).beats
    assert beats.shape == (12, BEAT_SAMPLES)
    assert np.isfinite(beats).all()
    lead = STANDARD_LEADS.index("II")
    assert 0 < int(np.argmax(beats[lead])) - BEFORE_ONSET < 12
    assert beats[lead].max() == pytest.approx(measured.leads["II"]["r_mv"].value, abs=0.25)
    assert abs(beats[lead, BEFORE_ONSET - 4 : BEFORE_ONSET].mean()) < 0.02


def test_inputs_of_page(delineator):
    """A lead that is not there has neither numbers nor a beat, and one of a column has both."""
    record = in_columns(heart(seed=3))
    only = record.select(("I", "II", "III", "V1"))
    inputs = measured_inputs([measure_record(only)])
    assert np.isnan(number(inputs, "V5.r_mv"))
    assert np.isnan(inputs.beats[0, STANDARD_LEADS.index("V5")]).all()
    assert np.isfinite(number(inputs, "V1.s_mv"))
    assert np.isfinite(inputs.beats[0, STANDARD_LEADS.index("V1")]).any()


def test_inputs_of_nothing():
    """Of what could not be measured, nothing is known."""
    inputs = measured_inputs([Measurements()])
    assert np.isnan(inputs.numbers).all()
    assert np.isnan(inputs.beats).all()


def test_measure_signals(delineator):
    """Records at the network's rate are measured alike, alone or with others."""
    signals = np.stack([heart(10, 100.0, seed=seed).signals for seed in (1, 2)]).astype(np.float32)
    both = measure_signals(signals)
    alone = join_measured([measure_signals(signals[:1]), measure_signals(signals[1:])])
    np.testing.assert_array_equal(both.numbers, alone.numbers)
    np.testing.assert_array_equal(both.subset(slice(1, 2)).beats, alone.beats[1:])
