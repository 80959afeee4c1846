"""The reasons why a page is limited or refused, or a label is not judged: codes with a severity, a text and advice.

To add a reason, add a member to `ReasonCode`, and call its `reason` where the cause is found. Programs count and branch
on the code; the text may be reworded at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from ecgimg.errors import BadOutput, EcgImgError, MissingExtra, PasswordProtected, UnknownLayout


class Severity(StrEnum):
    """The effect of a reason on the result."""

    INFO = "info"
    """None; the reason is only a note."""
    WARNING = "warning"
    """The page is ``limited``, or a part of the result is left out."""
    ERROR = "error"
    """Nothing was read: the page is ``refused`` or ``failed``."""


_WHOLE_PAGE = "Take a picture of the whole page with all four edges, above all the left edge with the lead labels."
_FLAT = "Lay the page flat and hold the phone level above its middle."
_LIGHT = "Use even light without flash, and keep the phone's shadow off the page."
_CLOSER = "Come closer, so that the page fills the picture, and tap on it to focus."
_GIVE_LAYOUT = "If the picture shows the whole page, give its layout by hand and read it again."
_GIVE_SCALE = "If you know the paper speed and the gain, give them by hand."
_SMALLER = "Scan the page at 200 to 300 dpi, or save a smaller picture; for an archive, the limit can be raised."
_COMPARE = "Compare the overlay with the page before you use the leads."
_COMPARE_LABELS = "Compare the lead labels in the overlay with those on the page."
_CHECK_STRIP = "Check which lead the strip shows, and correct its label."


class ReasonCode(Enum):
    """The code of a reason, with its severity, its text, and advice on what to do."""

    severity: Severity
    text: str
    advice: tuple[str, ...]

    def __new__(cls, code: str, severity: Severity, text: str, *advice: str) -> ReasonCode:
        """Make a member of a code, a severity, a text with ``{fields}``, and sentences of advice."""
        member = object.__new__(cls)
        member._value_ = code
        member.severity, member.text, member.advice = severity, text, advice
        return member

    # A page that was refused.
    NO_PAGE_FOUND = (
        "no_page_found", Severity.ERROR, "The picture shows neither an ECG grid nor ECG traces.",
        "Check that the picture shows an ECG page, and that the page is in focus and fills the picture.", _FLAT, _LIGHT,
    )  # fmt: skip
    NO_TRACE_FOUND = ("no_trace_found", Severity.ERROR, "No ECG trace was found on the page.", _CLOSER, _LIGHT)
    NO_COMMON_TIME = (
        "no_common_time", Severity.ERROR, "The rows of traces do not lie one above the other.", _WHOLE_PAGE, _FLAT,
    )  # fmt: skip
    UNKNOWN_ROW_COUNT = (
        "unknown_row_count", Severity.ERROR, "No known layout has {rows} rows of traces.",
        _WHOLE_PAGE, _FLAT, _GIVE_LAYOUT,
    )  # fmt: skip
    LAYOUT_CONTRADICTED = (
        "layout_contradicted", Severity.ERROR,
        "The layout {layout} has {expected}; the page shows {shown}, and its lead labels are those of {seen}.",
        "Give the layout that the page has, or leave it out, so that it is found.",
    )  # fmt: skip
    LAYOUT_HAS_OTHER_ROWS = (
        "layout_has_other_rows", Severity.ERROR,
        "The layout {layout} has {expected}, and the page shows {shown}.",
        "Give the layout that the page has, or leave it out, so that it is found.", _WHOLE_PAGE,
    )  # fmt: skip
    SINGLE_STRIP = (
        "single_strip", Severity.ERROR, "The page shows a single strip without a lead label, not twelve leads.",
        _WHOLE_PAGE, "If the page is one rhythm strip, give the layout 1x1 by hand and read it again.",
    )  # fmt: skip
    TRACES_TOO_SHORT = (
        "traces_too_short", Severity.ERROR,
        "The traces are only {seconds:.1f} s long; a page shows at least 2.5 s of each lead.",
        _WHOLE_PAGE, _FLAT, "If the page was printed at another paper speed, give the speed by hand.",
    )  # fmt: skip
    NO_LAYOUT_ADDS_UP = (
        "no_layout_adds_up", Severity.ERROR,
        "No lead label could be read, and the limb leads add up in no layout; this may not be a 12-lead ECG.",
        _WHOLE_PAGE, _FLAT, _GIVE_LAYOUT,
    )  # fmt: skip
    NOTHING_LEGIBLE = (
        "nothing_legible", Severity.ERROR, "Neither the lead labels nor the paper speed and the gain could be read.",
        _WHOLE_PAGE, _FLAT,
        "Keep the line with mm/s and mm/mV in the picture, or give layout, speed and gain by hand.",
    )  # fmt: skip

    # A page that could not be opened, or not be read within its limits.
    UNREADABLE_FILE = ("unreadable_file", Severity.ERROR, "{error}")
    PASSWORD_PROTECTED = (
        "password_protected", Severity.ERROR, "{error}", "Save a copy of the PDF without a password and use that.",
    )  # fmt: skip
    OUTPUT_NOT_WRITTEN = ("output_not_written", Severity.ERROR, "{error}")
    PACKAGE_MISSING = ("package_missing", Severity.ERROR, "{error}")
    UNKNOWN_LAYOUT = ("unknown_layout", Severity.ERROR, "{error}")
    TIME_LIMIT_EXCEEDED = (
        "time_limit_exceeded", Severity.ERROR, "Reading the page took longer than {limit} and was stopped.",
        _SMALLER,
    )  # fmt: skip
    MEMORY_LIMIT_EXCEEDED = (
        "memory_limit_exceeded", Severity.ERROR, "Reading the page takes more memory than is allowed.", _SMALLER,
    )  # fmt: skip
    WORKER_CRASHED = (
        "worker_crashed", Severity.ERROR, "The process that read the page crashed ({detail}).",
        "Save the page as a PNG or JPEG picture and try again; please report the page.",
    )  # fmt: skip
    INTERNAL_ERROR = (
        "internal_error", Severity.ERROR, "An internal error occurred: {detail}.", "Please report it with the page.",
    )  # fmt: skip

    # What limits a page.
    STRIP_LABEL_UNREAD = (
        "strip_label_unread", Severity.WARNING, "The lead label could not be read; lead {lead} is assumed.",
        _CHECK_STRIP,
    )  # fmt: skip
    TEN_SECONDS_ASSUMED = (
        "ten_seconds_assumed", Severity.WARNING,
        "No grid was found; the time scale assumes that the page shows ten seconds, or five at 50 mm/s.", _GIVE_SCALE,
    )  # fmt: skip
    PULSE_HEIGHT_ASSUMED = (
        "pulse_height_assumed", Severity.WARNING,
        "No grid was found; the time scale assumes that the calibration pulse has the usual height.", _GIVE_SCALE,
    )  # fmt: skip
    SPEED_ASSUMED = (
        "speed_assumed", Severity.WARNING,
        "No paper speed was found, and at 25 mm/s the page would not show the usual ten seconds; "
        "{speed_mm_s:g} mm/s is assumed.", _GIVE_SCALE,
    )  # fmt: skip
    LIMB_LEADS_DISAGREE = (
        "limb_leads_disagree", Severity.WARNING,
        "The limb leads do not add up (agreement {agreement_db:.0f} dB); lead labels may be wrong.",
        _COMPARE_LABELS,
    )  # fmt: skip
    LEADS_INCONSISTENT = (
        "leads_inconsistent", Severity.WARNING,
        "Leads that should agree do not; traces or timing may be wrong.", _COMPARE,
    )  # fmt: skip
    LIMB_LAW_AT_ODDS = (
        "limb_law_at_odds", Severity.WARNING,
        "The leads {leads} do not add up (agreement {agreement_db:.0f} dB); one may be misread or wrongly named.",
        _COMPARE_LABELS,
    )  # fmt: skip
    LABELS_CONTRADICT_LAYOUT = (
        "labels_contradict_layout", Severity.WARNING,
        "Most lead labels were read where this layout has other leads; a row may be missing.",
        _COMPARE, _GIVE_LAYOUT,
    )  # fmt: skip
    ROW_OUTSIDE_PICTURE = (
        "row_outside_picture", Severity.WARNING, "A row of this layout lies outside the picture.", _WHOLE_PAGE,
    )  # fmt: skip
    STRIP_DIFFERS_FROM_LEAD = (
        "strip_differs_from_lead", Severity.WARNING,
        "The rhythm strip differs from the lead that it should repeat; lead labels may be wrong.",
        _COMPARE_LABELS,
    )  # fmt: skip
    FEW_LABELS_READ = (
        "few_labels_read", Severity.WARNING, "Too few lead labels could be read to be sure of the layout.",
        _CLOSER, _GIVE_LAYOUT,
    )  # fmt: skip
    STRIP_LEAD_UNCERTAIN = (
        "strip_lead_uncertain", Severity.WARNING,
        "The label of the rhythm strip could not be read, and the strip does not clearly match a lead.",
        _CHECK_STRIP,
    )  # fmt: skip
    LAYOUT_AMBIGUOUS = (
        "layout_ambiguous", Severity.WARNING, "Another layout explains the page nearly as well.", _GIVE_LAYOUT,
    )  # fmt: skip
    COLUMNS_MAY_BE_SEQUENTIAL = (
        "columns_may_be_sequential", Severity.WARNING,
        "Only the beats suggest that all columns show the same seconds; the columns may follow each other in time.",
        "If the columns follow each other in time, give the layout by hand.",
    )  # fmt: skip
    COLUMNS_DIFFER_FROM_LAYOUT = (
        "columns_differ_from_layout", Severity.WARNING,
        "The layout's columns of {seconds:.3g} s were used, and those of the page measure {measured_s:.3g} s.",
        "Check seconds_per_column in the layout file, the paper speed, and that the picture shows every column.",
    )  # fmt: skip
    UNUSUAL_COLUMN_WIDTH = (
        "unusual_column_width", Severity.WARNING,
        "The columns are {seconds:.2g} s wide, which is unusual; the speed may be wrong, or a column may be missing.",
        "Check the paper speed, and that the picture shows every column.",
    )  # fmt: skip
    LEADS_HARDLY_READ = (
        "leads_hardly_read", Severity.WARNING, "Less than half of the trace could be read in {leads}.", _CLOSER, _LIGHT,
    )  # fmt: skip
    TRACE_OUTSIDE_ROWS = (
        "trace_outside_rows", Severity.WARNING,
        "Much of the trace on the page belongs to no row that was read; rows may be missing.", _COMPARE,
    )  # fmt: skip
    GAIN_CONTRADICTS_PULSE = (
        "gain_contradicts_pulse", Severity.WARNING,
        "The page prints {gain_mm_mv:g} mm/mV, but its calibration pulse is {pulse_mm:g} mm high.",
        "Check the gain, and give it by hand.",
    )  # fmt: skip
    CHEST_GAIN_UNREAD = (
        "chest_gain_unread", Severity.WARNING,
        "The page prints a gain for the limb leads, but the gain of the chest leads could not be read.",
        "Check the gain of the chest leads.",
    )  # fmt: skip
    GAIN_ASSUMED = (
        "gain_assumed", Severity.WARNING,
        "Neither a calibration pulse nor a printed gain was found; {gain_mm_mv:g} mm/mV is assumed.", _GIVE_SCALE,
    )  # fmt: skip
    OTHER_PAGES_NOT_READ = (
        "other_pages_not_read", Severity.INFO, "The file has {pages} pages, of which the first was read.",
        "Name the page that you mean, or read each one.",
    )  # fmt: skip
    PIXELS_MADE_SQUARE = (
        "pixels_made_square", Severity.INFO,
        "The file says that its pixels are not square ({across:.4g} across to {down:.4g} down); it was stretched.",
    )  # fmt: skip
    CORRECTED_BY_HAND = ("corrected_by_hand", Severity.INFO, "Corrected by hand: {correction}.")

    # Why a classifier judges nothing, or not everything.
    PAGE_NOT_READ = ("page_not_read", Severity.ERROR, "The page could not be read. {text}")
    NO_ECG = ("no_ecg", Severity.ERROR, "{error}")
    ALL_LEADS_UNCERTAIN = (
        "all_leads_uncertain", Severity.ERROR, "Every lead was read with low confidence.", _FLAT, _LIGHT, _CLOSER,
    )  # fmt: skip
    LEADS_LEFT_OUT = (
        "leads_left_out", Severity.WARNING, "Leads that were read with low confidence are left out: {leads}.", _COMPARE,
    )  # fmt: skip
    LEADS_WITHOUT_HEART = (
        "leads_without_heart", Severity.WARNING, "Leads that are flat or disconnected are left out: {leads}.",
        "Check the electrodes, or the page.",
    )  # fmt: skip
    NOISY_LEADS = (
        "noisy_leads", Severity.WARNING,
        "Noisy leads: {leads}. ST segments, Q waves and low voltage are not judged there.",
        "Look at the rhythm with care, or record the ECG again at rest.",
    )  # fmt: skip
    TOO_SHORT_TO_JUDGE = (
        "too_short_to_judge", Severity.WARNING,
        "Only {seconds:.1f} s are visible; at least {least_s:g} s of a lead are needed.",
    )  # fmt: skip
    TOO_SHORT_FOR_RHYTHM = (
        "too_short_for_rhythm", Severity.WARNING,
        "{seconds:.1f} s of one lead are too short to judge P waves and rhythm.",
    )  # fmt: skip
    VOLTAGES_UNCERTAIN = (
        "voltages_uncertain", Severity.WARNING,
        "The gain is assumed, not read, so voltages cannot be judged.", _GIVE_SCALE,
    )  # fmt: skip
    TOO_FEW_TO_LEARN = (
        "too_few_to_learn", Severity.WARNING,
        "Too few records with these labels were there to learn them from, and to test them on.",
    )  # fmt: skip
    TOLD_TOO_POORLY = (
        "told_too_poorly",
        Severity.WARNING,
        "The classifier tells these labels too poorly from others.",
    )
    LEADS_RECORDED_AS = (
        "leads_recorded_as", Severity.INFO, "Leads with electrodes on the torso are taken for standard leads: {leads}.",
        "Their amplitudes, axes and ST segments differ from those of standard leads.",
    )  # fmt: skip
    LEADS_NOT_USED = ("leads_not_used", Severity.INFO, "None of the twelve leads, and not used: {leads}.")
    CHANNELS_LEFT_OUT = ("channels_left_out", Severity.INFO, "Channels that are no ECG leads were left out: {text}.")
    LEADS_NOT_SEEN = ("leads_not_seen", Severity.WARNING, "None of the leads {leads} is visible.")

    # Why a number is not measured.
    NOT_MEASURED = ("not_measured", Severity.WARNING, "Nothing could be measured: {error}.")
    NO_BEAT_FOUND = ("no_beat_found", Severity.WARNING, "No heartbeat was found.", _COMPARE)
    TOO_FEW_BEATS = (
        "too_few_beats", Severity.WARNING, "Only {count} beats could be used; at least {least} are needed.",
    )  # fmt: skip
    NOT_IN_LEAD = ("not_in_lead", Severity.INFO, "Most beats do not show it in this lead.")
    NO_P_WAVE = (
        "no_p_wave", Severity.WARNING,
        "No P wave is seen before most beats, as in atrial fibrillation, or where T waves hide it.",
    )  # fmt: skip
    P_NOT_CONDUCTED = (
        "p_not_conducted", Severity.WARNING,
        "The time from P wave to QRS changes from beat to beat; the P waves may not be conducted.",
    )  # fmt: skip
    NO_T_WAVE = ("no_t_wave", Severity.WARNING, "The end of the T wave could not be found in most beats.")
    T_RUNS_INTO_P = (
        "t_runs_into_p", Severity.WARNING, "The T wave runs into the next P wave, so that its end cannot be seen.",
    )  # fmt: skip
    LEADS_NEEDED = ("leads_needed", Severity.WARNING, "This needs {leads}.")
    AXIS_UNDEFINED = ("axis_undefined", Severity.WARNING, "The wave is too small in the limb leads to have an axis.")

    @classmethod
    def named(cls, code: str) -> ReasonCode:
        """Return the member of a code; `KeyError` for an unknown code."""
        return {member.value: member for member in cls}[code]

    @property
    def title(self) -> str:
        """The code in words, for tables that count it."""
        return str(self.value).replace("_", " ").capitalize().replace(" ecg", " ECG")

    def reason(self, **values: Any) -> Reason:
        """Return the reason of this code, its text filled with `values`."""
        return Reason(self, self.text.format(**values))


_QUOTING_FIELDS = ("{error}", "{detail}", "{text}", "{correction}")


@dataclass(frozen=True)
class Reason:
    """One reason for a result, with its code and its text.

    Parameters
    ----------
    code : ReasonCode
    text : str
        One sentence for a person, filled with the values of this page.
    """

    code: ReasonCode
    text: str

    @property
    def severity(self) -> Severity:
        """The effect of the reason on the result."""
        return self.code.severity

    @property
    def advice(self) -> tuple[str, ...]:
        """Advice, one sentence each; empty where there is nothing to do."""
        return self.code.advice

    @property
    def text_without_quotes(self) -> str:
        """The text; or the title of the code where the text may quote a path, an error or what a person entered."""
        return self.code.title if any(field in self.code.text for field in _QUOTING_FIELDS) else self.text

    def summary(self) -> dict[str, Any]:
        """Return the reason as the JSON files hold it."""
        return {
            "code": self.code.value, "severity": self.severity.value, "text": self.text, "advice": list(self.advice),
        }  # fmt: skip


_CODES_OF_ERRORS: tuple[tuple[type[EcgImgError], ReasonCode], ...] = (
    (PasswordProtected, ReasonCode.PASSWORD_PROTECTED),
    (BadOutput, ReasonCode.OUTPUT_NOT_WRITTEN),
    (MissingExtra, ReasonCode.PACKAGE_MISSING),
    (UnknownLayout, ReasonCode.UNKNOWN_LAYOUT),
)


def reason_of(error: Exception) -> Reason:
    """Return the reason of an error; the message of one that is raised on purpose becomes its text."""
    if not isinstance(error, EcgImgError):
        return ReasonCode.INTERNAL_ERROR.reason(detail=f"{type(error).__name__}: {error}")
    codes = (code for kind, code in _CODES_OF_ERRORS if isinstance(error, kind))
    return next(codes, ReasonCode.UNREADABLE_FILE).reason(error=error)


def sentence_case(text: str) -> str:
    """Return a text with its first letter in upper case, and the others as they are."""
    return text[:1].upper() + text[1:]


def texts(reasons: Iterable[Reason]) -> str:
    """Return the texts of reasons as one string, in their order."""
    return " ".join(reason.text for reason in reasons)
