"""Which labels are not judged: what of a record must be seen before a label can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ecgimg.classification.labels import RHYTHMS
from ecgimg.reasons import Reason, ReasonCode

LEAST_S = 2.5
"""Seconds of some lead below which no label is judged."""
_LONE_LEAD_S = 5.0

_RHYTHMIC = frozenset(
    {
        *RHYTHMS,
        "AVB",
        "LPR",
        "PAC",
        "PVC",
        "LAO/LAE",
        "RAO/RAE",
        "cinc_PAC",
        "cinc_PVC",
        "cinc_AFIB/AFL",
        "cinc_TACHY",
        "cinc_BRADY",
    }
)
_FRONTAL = frozenset({"I", "II", "III", "aVR", "aVL", "aVF"})
_INFERIOR = frozenset({"II", "III", "aVF"})
_LATERAL = frozenset({"I", "aVL", "V5", "V6"})
_ANTERIOR = frozenset({"V1", "V2", "V3", "V4"})
_RIGHT = frozenset({"V1", "V2"})

# A label, and the sets of leads of each of which at least one must be seen.
_NEEDS: dict[str, tuple[frozenset[str], ...]] = {
    "NORM": (_FRONTAL, _ANTERIOR),
    "super_NORM": (_FRONTAL, _ANTERIOR),
    "cinc_NORM": (_FRONTAL, _ANTERIOR),
    "AMI": (_ANTERIOR,),
    "IMI": (_INFERIOR,),
    "ISCI": (_INFERIOR,),
    "LMI": (_LATERAL,),
    "PMI": (_ANTERIOR,),
    "ISCA": (_ANTERIOR | _LATERAL,),
    "LAFB/LPFB": (frozenset({"I", "aVL"}), _INFERIOR),
    "IRBBB": (_RIGHT,),
    "CRBBB": (_RIGHT | _LATERAL,),
    "CLBBB": (_RIGHT | _LATERAL,),
    "ILBBB": (_RIGHT | _LATERAL,),
    "RVH": (_RIGHT,),
    "LVH": (_LATERAL | _RIGHT,),
    "VCLVH": (_LATERAL, _RIGHT),
    "LVOLT": (_FRONTAL,),
}


def why_not_judged(label: str, seen_s: Mapping[str, float], uncertain_gain: Collection[str] = ()) -> Reason | None:
    """Return why a label cannot be judged, or None where it can.

    Parameters
    ----------
    seen_s : mapping of lead to the seconds of it that are visible
    uncertain_gain : labels that cannot be judged because the gain is assumed
    """
    leads = {lead for lead, seconds in seen_s.items() if seconds > 0}
    longest_s = max(seen_s.values(), default=0.0)
    if longest_s < LEAST_S:
        return ReasonCode.TOO_SHORT_TO_JUDGE.reason(seconds=longest_s, least_s=LEAST_S)
    if label in _RHYTHMIC and len(leads) == 1 and longest_s < _LONE_LEAD_S:
        return ReasonCode.TOO_SHORT_FOR_RHYTHM.reason(seconds=longest_s)
    if label in uncertain_gain:
        return ReasonCode.VOLTAGES_UNCERTAIN.reason()
    for needed in _NEEDS.get(label, ()):
        if not needed & leads:
            return ReasonCode.LEADS_NOT_SEEN.reason(leads=", ".join(sorted(needed)))
    return None
