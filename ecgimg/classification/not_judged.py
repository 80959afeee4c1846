"""The leads and seconds that a label needs: without them it is not judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ecgimg.classification.labels import RHYTHMS
from ecgimg.reasons import Reason, ReasonCode

MIN_LEAD_S = 2.5
"""The longest lead must show this much before any label is judged; it is one column of a 3x4 page."""
_MIN_SINGLE_LEAD_S = 5.0  # P waves and rhythm of a single lead: no other lead confirms a beat

_RHYTHM_LABELS = frozenset(
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
_RIGHT_PRECORDIAL = frozenset({"V1", "V2"})

# nothing is normal of which a wall was not seen
_ALL_WALLS = (frozenset({"I", "aVL"}), _INFERIOR, _RIGHT_PRECORDIAL, frozenset({"V3", "V4"}), frozenset({"V5", "V6"}))

# Of each set of leads at least one must be seen, as a wall of the heart shows in the leads that face it.
_NEEDED_LEADS: dict[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys(("NORM", "super_NORM", "cinc_NORM"), _ALL_WALLS),
    "AMI": (_ANTERIOR,),
    "IMI": (_INFERIOR,),
    "ISCI": (_INFERIOR,),
    "LMI": (_LATERAL,),
    "PMI": (_ANTERIOR,),
    "ISCA": (_ANTERIOR | _LATERAL,),
    "LAFB/LPFB": (frozenset({"I", "aVL"}), _INFERIOR),
    "IRBBB": (_RIGHT_PRECORDIAL,),
    "CRBBB": (_RIGHT_PRECORDIAL | _LATERAL,),
    "CLBBB": (_RIGHT_PRECORDIAL | _LATERAL,),
    "ILBBB": (_RIGHT_PRECORDIAL | _LATERAL,),
    "RVH": (_RIGHT_PRECORDIAL,),
    "LVH": (_LATERAL | _RIGHT_PRECORDIAL,),
    "VCLVH": (_LATERAL, _RIGHT_PRECORDIAL),
    "LVOLT": (_FRONTAL,),
}


def why_not_judged(label: str, seen_s: Mapping[str, float], uncertain_gain: Collection[str] = ()) -> Reason | None:
    """Return why a label cannot be judged, or None where it can.

    Parameters
    ----------
    label : str
    seen_s : mapping of lead to the seconds of it that are visible
    uncertain_gain : collection of str
        Labels that cannot be judged because the gain is assumed.
    """
    leads = {lead for lead, seconds in seen_s.items() if seconds > 0}
    longest_s = max(seen_s.values(), default=0.0)
    if longest_s < MIN_LEAD_S:
        return ReasonCode.TOO_SHORT_TO_JUDGE.reason(seconds=longest_s, least_s=MIN_LEAD_S)
    if label in _RHYTHM_LABELS and len(leads) == 1 and longest_s < _MIN_SINGLE_LEAD_S:
        return ReasonCode.TOO_SHORT_FOR_RHYTHM.reason(seconds=longest_s)
    if label in uncertain_gain:
        return ReasonCode.VOLTAGES_UNCERTAIN.reason()
    for needed in _NEEDED_LEADS.get(label, ()):
        if not needed & leads:
            return ReasonCode.LEADS_NOT_SEEN.reason(leads=", ".join(sorted(needed)))
    return None
