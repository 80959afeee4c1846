"""What is said of an ECG because it was measured: which number, in which lead, beyond which limit, by which source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from ecgimg.errors import BadRequest
from ecgimg.reasons import sentence_case


class Grade(StrEnum):
    """How much a statement asks for attention; the order is that in which statements are read."""

    CRITICAL = "critical"
    """Somebody should look at once."""
    LIKELY = "likely"
    """Outside its limit by more than the error that is to be expected."""
    POSSIBLE = "possible"
    """Outside its limit by less than that, or by a criterion that is met by half."""


_OLDEST_YEARS = 130


@dataclass(frozen=True)
class Patient:
    """What decides some limits; None where it is not known.

    Parameters
    ----------
    age_years : float or None
    male : bool or None
    """

    age_years: float | None = None
    male: bool | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and not 0 <= self.age_years <= _OLDEST_YEARS:
            raise BadRequest(f"an age is between 0 and {_OLDEST_YEARS} years, not {self.age_years:g}")


@dataclass(frozen=True)
class Basis:
    """A number that a statement rests on.

    Parameters
    ----------
    name : str
        In words, as "PR interval".
    value : float
    limit : float or None
        None for a count.
    unit : str
    lead : str or None
        None for a number of the whole record.
    """

    name: str
    value: float
    limit: float | None
    unit: str
    lead: str | None = None

    def summary(self) -> dict[str, Any]:
        """Return the number as the JSON holds it."""
        return {
            "name": self.name, "lead": self.lead, "value": round(self.value, 3), "limit": self.limit, "unit": self.unit
        }  # fmt: skip


_UDMI = "Fourth Universal Definition of Myocardial Infarction, 2018, Circulation 138:e618"
_AHA_CONDUCTION = "AHA/ACCF/HRS recommendations, part III, 2009, Circulation 119:e235"
_AHA_ST = "AHA/ACCF/HRS recommendations, part IV, 2009, Circulation 119:e241"
_AHA_BRADYCARDIA = "ACC/AHA/HRS guideline on bradycardia, 2018, Circulation 140:e382"


class StatementCode(Enum):
    """What can be said: code, name, one sentence of what it means, source, and the labels that say the same.

    To add one, add a member here and a rule that makes it in ``ecgimg/reporting/rules``.
    """

    title: str
    meaning: str
    source: str
    labels: tuple[str, ...]

    def __new__(cls, code: str, title: str, meaning: str, source: str, *labels: str) -> StatementCode:
        """Make a member of a code, a title, its meaning, its source, and the classifier's labels for the same."""
        member = object.__new__(cls)
        member._value_ = code
        member.title, member.meaning, member.source, member.labels = title, meaning, source, labels
        return member

    ST_ELEVATION = (
        "st_elevation", "ST elevation",
        "Injury of the heart wall that these leads face; if it is new, as in an infarction that is under way.", _UDMI,
        "STE", "cinc_Acute MI", "AMI", "IMI", "LMI",
    )  # fmt: skip
    ST_ELEVATION_WIDE_QRS = (
        "st_elevation_wide_qrs", "ST elevation in the direction of a wide QRS",
        "A bundle branch block turns the ST segment away from the QRS; turned the same way, it tells of an infarction.",
        "Sgarbossa et al. 1996, N Engl J Med 334:481", "STE", "cinc_Acute MI",
    )  # fmt: skip
    ST_DEPRESSION = (
        "st_depression", "ST depression",
        "Too little blood for the inner heart wall, strain or digitalis; in V1 to V3 perhaps a posterior infarction.",
        _UDMI, "STD", "ISC", "ISCA", "ISCI",
    )  # fmt: skip
    ST_DEPRESSION_WIDESPREAD = (
        "st_depression_widespread", "ST depression in six leads or more, with ST elevation in aVR or V1",
        "Too little blood for much of the heart, as with a narrow left main artery.", _UDMI, "STD", "ISC", "ISCA",
    )  # fmt: skip
    ST_DEPRESSION_POSTERIOR = (
        "st_depression_posterior", "ST depression in V1 to V4 with upright T waves",
        "Seen from the back it is ST elevation, as in a posterior infarction; record V7 to V9.", _UDMI,
        "PMI", "IMI", "LMI", "STD",
    )  # fmt: skip
    PATHOLOGICAL_Q = (
        "pathological_q", "pathological Q waves", "A scar of an infarction in the wall that these leads face.", _UDMI,
        "QWAVE", "AMI", "IMI", "LMI", "cinc_Old MI",
    )  # fmt: skip
    INVERTED_T = (
        "inverted_t", "inverted T waves", "Ischaemia, strain, or the days after an infarction.", _UDMI,
        "INVT", "ISC", "ISCA", "ISCI",
    )  # fmt: skip
    VERY_FAST = ("very_fast", "very fast heart rate", "The heart may pump too little.", "common alarm limit")
    VERY_SLOW = (
        "very_slow", "very slow heart rate", "The heart may pump too little.", "common alarm limit", "SBRAD",
        "cinc_BRADY",
    )  # fmt: skip
    FAST = ("fast", "fast heart rate", "Above the usual rate at rest.", "limit of tachycardia", "STACH", "cinc_TACHY")
    SLOW = ("slow", "slow heart rate", "Below the usual rate at rest.", _AHA_BRADYCARDIA, "SBRAD", "cinc_BRADY")
    WIDE_TACHYCARDIA = (
        "wide_tachycardia", "fast rhythm of wide QRS complexes",
        "A ventricular tachycardia until proven otherwise.",
        "ACC/AHA/HRS guideline on supraventricular tachycardia, 2015, Circulation 133:e506",
    )  # fmt: skip
    COMPLETE_AV_BLOCK = (
        "complete_av_block", "P waves and slow QRS complexes that do not belong together",
        "No beat of the atria reaches the ventricles, as in complete AV block.", _AHA_BRADYCARDIA, "AVB",
    )  # fmt: skip
    IRREGULAR_WITHOUT_P = (
        "irregular_without_p", "irregular rhythm without P waves", "As in atrial fibrillation.",
        "ESC guideline on atrial fibrillation, 2024, Eur Heart J 45:3314", "AFIB", "cinc_AFIB/AFL",
    )  # fmt: skip
    PREMATURE_VENTRICULAR = (
        "premature_wide_beats", "premature wide beats", "As premature beats of the ventricles.",
        "shape and time of beats",        "PVC", "cinc_PVC", "BIGU", "TRIGU",
    )  # fmt: skip
    PREMATURE_NARROW = (
        "premature_narrow_beats", "premature narrow beats", "As premature beats of the atria.",
        "shape and time of beats",        "PAC", "cinc_PAC",
    )  # fmt: skip
    PAUSE = (
        "pause", "pause", "No beat for three seconds or more.", _AHA_BRADYCARDIA,
    )  # fmt: skip
    BLOCKED_P = (
        "blocked_p_waves", "P waves that no beat follows", "As in second degree AV block.", _AHA_BRADYCARDIA, "AVB",
    )  # fmt: skip
    PACED_RHYTHM = ("paced_rhythm", "paced rhythm", "A pacemaker sets off the beats.", "pacing spikes", "PACE")
    LONG_PR = (
        "long_pr", "long PR interval", "Slow conduction from atria to ventricles (first degree AV block).",
        _AHA_BRADYCARDIA, "AVB", "LPR",
    )  # fmt: skip
    SHORT_PR = (
        "short_pr", "short PR interval", "Perhaps a second path from atria to ventricles.", _AHA_CONDUCTION, "WPW"
    )  # fmt: skip
    RIGHT_BUNDLE_BRANCH_BLOCK = (
        "right_bundle_branch_block", "wide QRS of the shape of right bundle branch block",
        "The right ventricle is reached late.", _AHA_CONDUCTION, "CRBBB", "super_CD", "cinc_CD",
    )  # fmt: skip
    LEFT_BUNDLE_BRANCH_BLOCK = (
        "left_bundle_branch_block", "wide QRS of the shape of left bundle branch block",
        "The left ventricle is reached late.", _AHA_CONDUCTION, "CLBBB", "super_CD", "cinc_CD",
    )  # fmt: skip
    WIDE_QRS = (
        "wide_qrs", "wide QRS", "Conduction within the ventricles is slow.", _AHA_CONDUCTION, "IVCD", "super_CD",
        "cinc_CD", "CRBBB", "CLBBB",
    )  # fmt: skip
    LONG_QTC = (
        "long_qtc", "long QTc (Fridericia)", "Slow recovery of the ventricles, with a risk of rhythm disorders.",
        _AHA_ST,        "STTC",
    )  # fmt: skip
    SHORT_QTC = ("short_qtc", "short QTc (Fridericia)", "Fast recovery of the ventricles.", _AHA_ST)
    LEFT_AXIS = (
        "left_axis", "left axis deviation", "As in left anterior fascicular block.", _AHA_CONDUCTION, "LAFB/LPFB"
    )  # fmt: skip
    EXTREME_AXIS = (
        "extreme_axis", "extreme axis deviation", "As in ventricular rhythms, or with leads that were mixed up.",
        _AHA_CONDUCTION,
    )  # fmt: skip
    RIGHT_AXIS = (
        "right_axis", "right axis deviation", "As with load on the right ventricle.", _AHA_CONDUCTION,
        "RVH", "LAFB/LPFB",
    )  # fmt: skip
    HIGH_VOLTAGE = (
        "high_voltage", "high voltage of the left ventricle", "As in hypertrophy; young and slender people have it.",
        "AHA/ACCF/HRS recommendations, part V, 2009, Circulation 119:e251", "LVH", "VCLVH", "HVOLT", "super_HYP",
    )  # fmt: skip
    LOW_VOLTAGE = (
        "low_voltage", "low voltage", "As with fluid, air or fat around the heart.",
        "AHA/ACC/HRS recommendations, part II, 2007, Circulation 115:1325", "LVOLT",
    )  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """Something that was measured outside its limit.

    Parameters
    ----------
    code : StatementCode
    grade : Grade
    basis : tuple of Basis
        The numbers, those of leads in the order of contiguous leads.
    where : str
        The wall or the leads in words; empty for the whole record.
    """

    code: StatementCode
    grade: Grade
    basis: tuple[Basis, ...]
    where: str = ""

    @property
    def name(self) -> str:
        """The title with its place, as "ST elevation, anterior leads"."""
        return f"{self.code.title}, {self.where}" if self.where else self.code.title

    @property
    def leads(self) -> tuple[str, ...]:
        """The leads that it rests on; empty for numbers of the whole record."""
        return tuple(dict.fromkeys(item.lead for item in self.basis if item.lead is not None))

    @property
    def text(self) -> str:
        """One sentence: the name, and each number with its limit."""
        numbers = ", ".join(_in_words(item) for item in self.basis)
        return sentence_case(f"{self.name}: {numbers}." if numbers else f"{self.name}.")

    def summary(self) -> dict[str, Any]:
        """Return the statement as the JSON holds it."""
        return {
            "code": self.code.value, "grade": self.grade.value, "name": self.name, "text": self.text,
            "meaning": self.code.meaning, "source": self.code.source, "leads": list(self.leads),
            "basis": [item.summary() for item in self.basis],
        }  # fmt: skip


def _in_words(item: Basis) -> str:
    space = "" if item.unit in ("°", "%") else " "
    if item.limit is None:
        return f"{item.value:.0f}{space}{item.unit}"
    # rounded too far, it would not seem to be beyond its limit
    digits = next((count for count in range(3, 8) if float(f"{item.value:.{count}g}") != item.limit), 3)
    value = f"{item.value:.{digits}g}"
    return f"{item.lead or item.name} {value}{space}{item.unit} (limit {item.limit:g})"
