"""Territories: ST shifts, inverted T waves and Q waves in the leads that see them."""

from __future__ import annotations

import pytest

from ecgimg.leads import STANDARD_LEADS
from tests.synth.heart.measurements import QUIET, SEEDS, heart, j60, q_wave, quiet, r_and_s, t_wave


@pytest.mark.parametrize(
    ("territories", "raised", "lowered"),
    [
        (("inferior",), ("II", "III", "aVF"), ("aVL", "I")),
        (("septal", "anterior"), ("V1", "V2", "V3", "V4"), ("III",)),
        (("lateral",), ("I", "aVL", "V5", "V6"), ("III", "aVF")),
        (("posterior",), ("V7", "V8", "V9"), ("V1", "V2", "V3")),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_st_elevation(territories, raised, lowered, seed):
    """ST elevation in a territory, and its reciprocal."""
    beats = heart(seed, leads=(*STANDARD_LEADS, "V7", "V8", "V9"), st_mv=dict.fromkeys(territories, 0.3), **QUIET)
    assert all(j60(beats, name) > 0.1 for name in raised)
    assert all(j60(beats, name) < -0.02 for name in lowered)
    assert ("STD_" if territories == ("posterior",) else "STE_") in beats.labels


def test_subendocardial_depression():
    """Subendocardial depression is diffuse, and raises aVR."""
    beats = quiet(0, st_mv={"subendocardial": -0.25})
    assert all(j60(beats, name) < -0.1 for name in ("V4", "V5", "V6", "II"))
    assert j60(beats, "aVR") > 0.05
    assert {"STD_", "ISC_"} <= set(beats.labels)


LEADS_OF = {
    "septal": ("V1", "V2"),
    "anterior": ("V3", "V4"),
    "lateral": ("I", "aVL", "V5", "V6"),
    "inferior": ("II", "III", "aVF"),
}


@pytest.mark.parametrize("territory", LEADS_OF)
@pytest.mark.parametrize("seed", SEEDS)
def test_t_inversion_and_q_waves(territory, seed):
    """Inverted T waves and Q waves are in the leads of their territory."""
    beats = quiet(seed, t_inversion=(territory,))
    assert all(t_wave(beats, name) < -0.03 for name in LEADS_OF[territory])
    assert t_wave(beats, "V6" if territory != "lateral" else "V3") > 0.03
    beats = quiet(seed, q_wave=(territory,))
    measured = LEADS_OF[territory] if territory != "inferior" else ("III", "aVF")
    for name in measured:
        depth, width = q_wave(beats, name)
        assert width >= 0.038, name
        assert depth > 0.25 * r_and_s(beats, name)[0], name
    assert "QWAVE" in beats.labels
