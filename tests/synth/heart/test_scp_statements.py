"""Labels of a simulated heart."""

from __future__ import annotations

import pytest

from tests.synth.heart.measurements import heart

LABELLED = [
    ({}, {"NORM", "SR"}), ({"rate_bpm": 50}, {"NORM", "SBRAD"}), ({"rate_bpm": 120}, {"NORM", "STACH"}),
    ({"rhythm": "sinus_arrhythmia"}, {"NORM", "SARRH"}), ({"rhythm": "af"}, {"AFIB"}),
    ({"rhythm": "flutter", "rate_bpm": 150}, {"AFLT"}), ({"rhythm": "svt", "rate_bpm": 180}, {"SVTAC"}),
    ({"conduction": "crbbb+lafb"}, {"SR", "CRBBB", "LAFB"}), ({"av_block": "first"}, {"SR", "1AVB"}),
    ({"av_block": "mobitz1"}, {"SR", "2AVB"}), ({"av_block": "third"}, {"SR", "3AVB"}),
    ({"pvc_pattern": "bigeminy"}, {"SR", "PVC", "BIGU"}), ({"pvc_pattern": "trigeminy"}, {"SR", "PVC", "TRIGU"}),
    ({"pacing": "ventricular", "rhythm": "af"}, {"PACE", "AFIB"}), ({"hypertrophy": "lvh"}, {"SR", "LVH"}),
    ({"atria": "rae"}, {"SR", "RAO/RAE"}), ({"qt_ms": 560}, {"SR", "LNGQT"}),
    ({"q_wave": ("inferior", "lateral")}, {"SR", "QWAVE", "ILMI"}),
    ({"st_mv": {"inferior": 0.2}}, {"SR", "IMI", "STE_"}), ({"st_mv": {"lateral": -0.1}}, {"SR", "STD_", "INJLA"}),
    ({"st_mv": {"posterior": 0.2}}, {"SR", "PMI", "STD_"}), ({"q_wave": ("posterior",)}, {"SR", "PMI"}),
    ({"t_inversion": ("anterior", "lateral")}, {"SR", "INVT", "ISCAL"}),
    ({"t_inversion": ("septal", "inferior", "posterior")}, {"SR", "INVT", "ISCIN"}),
]  # fmt: skip


@pytest.mark.parametrize(("options", "labels"), LABELLED)
def test_labels_of_options(options, labels):
    """Labels are those that a reader would give."""
    assert set(heart(0, **({"variety": 0.0} | options)).labels) == labels


def test_labels_without_premature_beat():
    """A premature beat that did not happen is not named."""
    for seed in range(12):
        beats = heart(seed, 6.0, pvc_per_min=5.0, pac_per_min=5.0)
        assert ("PVC" in beats.labels) == ("pvc" in beats.fiducials.kind)
        assert ("PAC" in beats.labels) == ("pac" in beats.fiducials.kind)
