"""Leads: the spellings of their names, and the unbroken parts of their signals."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.leads import KNOWN_LEADS, canonical_lead, unbroken_runs


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
