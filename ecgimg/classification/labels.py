"""What the classifier names: labels, their full names, and how SCP-ECG statements give them.

The 23 diagnostic subclasses, 5 superclasses and the rhythm and form statements are those of PTB-XL (Wagner et al. 2020,
Sci Data 7:154), spelled as in its tables but for underscores (``NST``, ``ISC``, ``AVB``). Since two names stand for a
subclass and a superclass, superclasses carry the prefix ``super_``; the eleven labels of the CinC challenge of 2024
carry ``cinc_``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_SUBCLASS_CODES: dict[str, tuple[str, ...]] = {
    "NORM": ("NORM",),
    "STTC": ("NDT", "DIG", "LNGQT", "ANEUR", "EL"),
    "NST": ("NST",),
    "ISC": ("ISC",),
    "ISCA": ("ISCAL", "ISCAS", "ISCLA", "ISCAN"),
    "ISCI": ("ISCIN", "ISCIL"),
    "AMI": ("ASMI", "AMI", "ALMI", "INJAS", "INJAL", "INJLA"),
    "IMI": ("IMI", "ILMI", "IPLMI", "IPMI", "INJIN", "INJIL"),
    "LMI": ("LMI",),
    "PMI": ("PMI",),
    "LAFB/LPFB": ("LAFB", "LPFB"),
    "IRBBB": ("IRBBB",),
    "CRBBB": ("CRBBB",),
    "ILBBB": ("ILBBB",),
    "CLBBB": ("CLBBB",),
    "AVB": ("1AVB", "2AVB", "3AVB"),
    "IVCD": ("IVCD",),
    "WPW": ("WPW",),
    "LVH": ("LVH",),
    "RVH": ("RVH",),
    "LAO/LAE": ("LAO/LAE",),
    "RAO/RAE": ("RAO/RAE",),
    "SEHYP": ("SEHYP",),
}
PARTS_OF_SUPERCLASS: dict[str, tuple[str, ...]] = {
    "super_NORM": ("NORM",),
    "super_MI": ("AMI", "IMI", "LMI", "PMI"),
    "super_STTC": ("STTC", "NST", "ISC", "ISCA", "ISCI"),
    "super_CD": ("LAFB/LPFB", "IRBBB", "CRBBB", "ILBBB", "CLBBB", "AVB", "IVCD", "WPW"),
    "super_HYP": ("LVH", "RVH", "LAO/LAE", "RAO/RAE", "SEHYP"),
}

"""The subclasses of each superclass."""

SUBCLASSES = tuple(_SUBCLASS_CODES)
SUPERCLASSES = tuple(PARTS_OF_SUPERCLASS)
RHYTHMS = ("SR", "AFIB", "AFLT", "STACH", "SBRAD", "SARRH", "SVARR", "SVTAC", "PSVT", "PACE", "BIGU", "TRIGU")
FORMS = ("PVC", "PAC", "LPR", "ABQRS", "QWAVE", "LVOLT", "HVOLT", "VCLVH", "STD", "STE", "INVT", "LOWT", "NT")

_INJURIES = ("INJAS", "INJAL", "INJLA", "INJIN", "INJIL")
_CINC_CODES: dict[str, tuple[str, ...]] = {
    "cinc_NORM": ("NORM",),
    "cinc_Acute MI": _INJURIES,
    "cinc_Old MI": tuple(
        code for name in PARTS_OF_SUPERCLASS["super_MI"] for code in _SUBCLASS_CODES[name] if code not in _INJURIES
    ),
    "cinc_STTC": tuple(code for name in PARTS_OF_SUPERCLASS["super_STTC"] for code in _SUBCLASS_CODES[name]),
    "cinc_CD": tuple(code for name in PARTS_OF_SUPERCLASS["super_CD"] for code in _SUBCLASS_CODES[name]),
    "cinc_HYP": tuple(code for name in PARTS_OF_SUPERCLASS["super_HYP"] for code in _SUBCLASS_CODES[name]),
    "cinc_PAC": ("PAC",),
    "cinc_PVC": ("PVC",),
    "cinc_AFIB/AFL": ("AFIB", "AFLT"),
    "cinc_TACHY": ("STACH", "SVTAC", "PSVT"),
    "cinc_BRADY": ("SBRAD",),
}
CINC2024 = tuple(_CINC_CODES)
"""The eleven labels of CinC 2024.

PTB-XL tells acute from old infarction by a stage that statements do not carry: here a statement of injury counts as
acute, one of infarction as old.
"""

INDIVIDUAL_LABELS = (*SUBCLASSES, *RHYTHMS, *FORMS)
"""The labels that are no group of others."""

LABELS = (*SUBCLASSES, *SUPERCLASSES, *RHYTHMS, *FORMS, *CINC2024)
"""Every label, in the order of the network's outputs."""

FULL_NAMES: dict[str, str] = {
    "NORM": "normal ECG",
    "STTC": "ST-T change (non-diagnostic T, digitalis, long QT, electrolytes, aneurysm)",
    "NST": "non-specific ST change",
    "ISC": "ischaemic ST-T change, non-specific",
    "ISCA": "ischaemic ST-T change, anterior or lateral leads",
    "ISCI": "ischaemic ST-T change, inferior leads",
    "AMI": "anterior myocardial infarction",
    "IMI": "inferior myocardial infarction",
    "LMI": "lateral myocardial infarction",
    "PMI": "posterior myocardial infarction",
    "LAFB/LPFB": "left anterior or posterior fascicular block",
    "IRBBB": "incomplete right bundle branch block",
    "CRBBB": "complete right bundle branch block",
    "ILBBB": "incomplete left bundle branch block",
    "CLBBB": "complete left bundle branch block",
    "AVB": "atrioventricular block",
    "IVCD": "non-specific intraventricular conduction disturbance",
    "WPW": "Wolff-Parkinson-White syndrome",
    "LVH": "left ventricular hypertrophy",
    "RVH": "right ventricular hypertrophy",
    "LAO/LAE": "left atrial overload or enlargement",
    "RAO/RAE": "right atrial overload or enlargement",
    "SEHYP": "septal hypertrophy",
    "super_NORM": "normal ECG, as a superclass",
    "super_MI": "myocardial infarction of any wall",
    "super_STTC": "ST-T change of any kind",
    "super_CD": "conduction disturbance of any kind",
    "super_HYP": "hypertrophy of any kind",
    "SR": "sinus rhythm",
    "AFIB": "atrial fibrillation",
    "AFLT": "atrial flutter",
    "STACH": "sinus tachycardia",
    "SBRAD": "sinus bradycardia",
    "SARRH": "sinus arrhythmia",
    "SVARR": "supraventricular arrhythmia",
    "SVTAC": "supraventricular tachycardia",
    "PSVT": "paroxysmal supraventricular tachycardia",
    "PACE": "pacemaker rhythm",
    "BIGU": "bigeminy",
    "TRIGU": "trigeminy",
    "PVC": "ventricular premature complex",
    "PAC": "atrial premature complex",
    "LPR": "prolonged PR interval",
    "ABQRS": "abnormal QRS",
    "QWAVE": "Q waves present",
    "LVOLT": "low QRS voltage",
    "HVOLT": "high QRS voltage",
    "VCLVH": "voltage criteria for left ventricular hypertrophy",
    "STD": "ST depression",
    "STE": "ST elevation",
    "INVT": "inverted T waves",
    "LOWT": "low T waves",
    "NT": "non-specific T-wave change",
    "cinc_NORM": "normal ECG (CinC 2024)",
    "cinc_Acute MI": "acute myocardial infarction (CinC 2024; from statements of injury)",
    "cinc_Old MI": "old myocardial infarction (CinC 2024; from statements of infarction)",
    "cinc_STTC": "ST-T change (CinC 2024)",
    "cinc_CD": "conduction disturbance (CinC 2024)",
    "cinc_HYP": "hypertrophy (CinC 2024)",
    "cinc_PAC": "premature atrial complex (CinC 2024)",
    "cinc_PVC": "premature ventricular complex (CinC 2024)",
    "cinc_AFIB/AFL": "atrial fibrillation or flutter (CinC 2024)",
    "cinc_TACHY": "tachycardia (CinC 2024)",
    "cinc_BRADY": "bradycardia (CinC 2024)",
}


def _codes_of() -> dict[str, frozenset[str]]:
    codes = {label: frozenset((label,)) for label in (*RHYTHMS, *FORMS)}
    codes |= {label: frozenset(given) for label, given in (_SUBCLASS_CODES | _CINC_CODES).items()}
    for label, parts in PARTS_OF_SUPERCLASS.items():
        codes[label] = frozenset().union(*(_SUBCLASS_CODES[part] for part in parts))
    return codes


CODES_BY_LABEL = _codes_of()
"""Label → the SCP-ECG statements that give it, without trailing underscores."""

KNOWN_CODES = frozenset().union(*CODES_BY_LABEL.values())


def targets(statements: Iterable[str]) -> NDArray[np.bool_]:
    """Return (labels,) in the order of `LABELS`: True where SCP-ECG statements (``"SR"``, ``"NST_"``) give it."""
    # PTB-XL ends non-specific statements with an underscore (NST_, ISC_).
    codes = {code.strip().rstrip("_") for code in statements}
    return np.array([bool(codes & CODES_BY_LABEL[label]) for label in LABELS])
