"""Leads: their names, and the unbroken parts of their signals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The twelve leads in the order of every array and file here."""

KNOWN_LEADS = (*STANDARD_LEADS, "V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "X", "Y", "Z")
"""All leads that a page may carry."""

_MODIFIED_LIMB_LEADS = {"MLI": "I", "MLII": "II", "MLIII": "III"}

MONITOR_LEADS = (
    *_MODIFIED_LIMB_LEADS,
    *(f"{kind}{number}" for kind in ("MV", "MCL") for number in range(1, 7)),
    *("CM5", "CC5", "CS5", "V", "E-S", "A-S", "A-I", "ECG", "ECG1", "ECG2", "ECG3"),
)
"""Leads of monitors and Holter recorders that a record may carry beside those of `KNOWN_LEADS`.

MLI to MLIII are the limb leads with electrodes on the torso (Mason and Likar 1966), as in the MIT-BIH Arrhythmia
Database (Moody and Mark 2001), which everybody uses as I to III: `match_leads` takes them for these. The others are no
standard leads. MV, MCL, CM5, CC5 and CS5 have a chest electrode against one other electrode and not against Wilson's
terminal; ST segments of CM5 differ from those of V5 (British Heart Journal 1986, PubMed 3768217). Of V, ECG and ECG1
nobody knows the place, and E-S, A-S and A-I are of the EASI system.
"""

_CANONICAL = {name.upper(): name for name in KNOWN_LEADS}
# D for derivation, as limb leads are named in Romance languages
_CANONICAL |= {"D1": "I", "D2": "II", "D3": "III", "DI": "I", "DII": "II", "DIII": "III"}
_MONITOR = {name: name for name in MONITOR_LEADS} | {"ML1": "MLI", "ML2": "MLII", "ML3": "MLIII"}
_PREFIXES = ("MDC_ECG_LEAD_", "LEAD", "ECG", "EKG")


def canonical_lead(name: str) -> str | None:
    """Return a lead's name as spelled in `KNOWN_LEADS`: ``"AVR"`` and ``"MDC_ECG_LEAD_AVR"`` are ``"aVR"``.

    Parameters
    ----------
    name : str

    Returns
    -------
    str or None
        None where it is no lead; ``"-aVR"`` is None, as it is the same lead upside down.
    """
    bare = _bare(name)
    for prefix in _PREFIXES:
        if bare.startswith(prefix):
            bare = bare.removeprefix(prefix).lstrip(" _-")
    # a separator may be left over, as in "V1-"
    return _CANONICAL.get(bare.rstrip(" _-"))


def match_leads(names: Sequence[str]) -> tuple[list[str | None], dict[str, str]]:
    """Return the leads that the channels of a file are, and which of them are taken for another.

    Parameters
    ----------
    names : sequence of str
        In any usual spelling, with the NUL and the spaces that fill fields of files.

    Returns
    -------
    leads : list of str or None
        Of `KNOWN_LEADS` or `MONITOR_LEADS`; None for a channel that is no ECG lead, or a second one of a monitor lead.
    recorded_as : dict
        From a standard lead to the modified lead that stands for it, as ``{"II": "MLII"}``; a modified lead whose
        standard lead is there, too, keeps its own name.
    """
    leads: list[str | None] = []
    for name in names:
        lead = canonical_lead(name) or _MONITOR.get(_bare(name).replace(" ", ""))
        leads.append(None if lead in MONITOR_LEADS and lead in leads else lead)
    recorded_as = {_MODIFIED_LIMB_LEADS[lead]: lead for lead in leads if lead in _MODIFIED_LIMB_LEADS}
    recorded_as = {lead: name for lead, name in recorded_as.items() if lead not in leads}
    standard_of = {name: lead for lead, name in recorded_as.items()}
    return [standard_of.get(lead, lead) if lead else None for lead in leads], recorded_as


def _bare(name: str) -> str:
    return name.replace("\0", " ").strip().upper()


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
