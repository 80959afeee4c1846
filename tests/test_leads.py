"""Leads: the spellings of their names, and the unbroken parts of their signals."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.leads import KNOWN_LEADS, MONITOR_LEADS, canonical_lead, match_leads, unbroken_runs


@pytest.mark.parametrize("name", KNOWN_LEADS)
@pytest.mark.parametrize("spell", [str, str.upper, str.lower, "Lead {}".format, "ECG-{}".format, " {} ".format])
def test_canonical_lead_of_usual_spellings(name: str, spell: object) -> None:
    """Usual spellings of a lead name are understood."""
    assert canonical_lead(spell(name)) == name  # type: ignore[operator]


@pytest.mark.parametrize("name", ["", "ECG", "lead", "-aVR", "MLII", "V10", "Fp1", "resp", "IV"])
def test_canonical_lead_of_other_names(name: str) -> None:
    """A name that is no ECG lead gives None."""
    assert canonical_lead(name) is None


def test_unbroken_runs() -> None:
    """Runs are found at both ends and in the middle of a vector; a vector without True has none."""
    assert unbroken_runs(np.array([True, False, True, True, False, True])) == [(0, 1), (2, 4), (5, 6)]
    assert unbroken_runs(np.zeros(3, bool)) == []


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        ("MDC_ECG_LEAD_I", "I"), ("MDC_ECG_LEAD_AVR", "aVR"), ("mdc_ecg_lead_v6", "V6"), ("D1", "I"), ("DII", "II"),
        ("d3", "III"), ("I\0\0\0", "I"), (" V1  \0", "V1"), ("LEAD II", "II"), ("Lead_aVF ", "aVF"), ("ECG II", "II"),
        ("ECG_V3R", "V3R"), ("EKG avl", "aVL"), ("V1-", "V1"),
    ],
)  # fmt: skip
def test_canonical_lead_in_the_wild(name: str, lead: str) -> None:
    """Spellings of devices and databases are understood."""
    assert canonical_lead(name) == lead
    assert match_leads([name]) == ([lead], {})


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        ("MCL1", "MCL1"), ("mcl6", "MCL6"), ("MV5", "MV5"), ("V", "V"), ("ECG", "ECG"), ("ECG1", "ECG1"),
        ("ECG 2", "ECG2"),
        ("CM5\0", "CM5"), ("E-S", "E-S"), ("RESP", None), ("ABP", None), ("-aVR", None), ("Fp1", None), ("", None),
        ("ECG9", None), ("V10", None),
    ],
)  # fmt: skip
def test_match_leads_of_monitors(name: str, lead: str | None) -> None:
    """Leads of monitors keep their own names; what is no lead is none."""
    assert match_leads([name]) == ([lead], {})
    assert canonical_lead(name) is None
    assert lead is None or lead in MONITOR_LEADS


@pytest.mark.parametrize(
    ("name", "lead"), [("MLI", "I"), ("MLII", "II"), ("mlii \0", "II"), ("ML2", "II"), ("MLIII", "III")]
)
def test_match_leads_modified(name: str, lead: str) -> None:
    """A limb lead of the torso is taken for the standard one, and this is said; where both are there, both are kept."""
    modified = f"ML{lead}"
    assert match_leads([name, "V5"]) == ([lead, "V5"], {lead: modified})
    assert match_leads([name, lead]) == ([modified, lead], {})
    assert match_leads([lead, name]) == ([lead, modified], {})
    assert match_leads([name, name]) == ([lead, None], {lead: modified})


def test_match_leads_keeps_monitor_leads_once() -> None:
    """The second of two channels of one name is none, as nobody knows which is which."""
    assert match_leads(["ECG", "II", "ECG"]) == (["ECG", "II", None], {})
