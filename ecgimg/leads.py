"""Leads: their names, and the unbroken parts of their signals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The twelve leads in the order of every array and file here."""

KNOWN_LEADS = (*STANDARD_LEADS, "V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "X", "Y", "Z")
"""All leads that a record or a page may carry."""

_CANONICAL = {name.upper(): name for name in KNOWN_LEADS}


def canonical_lead(name: str) -> str | None:
    """Return a lead's name as spelled in `KNOWN_LEADS`: ``"AVR"`` and ``"lead avr"`` are ``"aVR"``.

    Parameters
    ----------
    name : str

    Returns
    -------
    str or None
        None where it is no lead; ``"-aVR"`` is None, as it is the same lead upside down.
    """
    bare = name.strip().upper()
    for prefix in ("LEAD", "ECG", "EKG"):
        if bare.startswith(prefix):
            bare = bare.removeprefix(prefix).lstrip(" _-")
    # a separator may be left over, as in "V1-"
    return _CANONICAL.get(bare.rstrip(" _-"))


def unbroken_runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, end) of every run of True in a vector, `end` being the index after its last."""
    padded = np.zeros(len(known) + 2, np.int8)
    padded[1:-1] = known
    # zeros around the vector make every run begin and end
    edges = np.flatnonzero(np.diff(padded)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def rows_of_runs(known: NDArray[np.bool_]) -> dict[tuple[int, int], list[int]]:
    """Return the unbroken runs of leads (leads, samples), each with the rows that have it: they are taken together."""
    rows: dict[tuple[int, int], list[int]] = {}
    for row, is_known in enumerate(known):
        for run in unbroken_runs(is_known):
            rows.setdefault(run, []).append(row)
    return rows
