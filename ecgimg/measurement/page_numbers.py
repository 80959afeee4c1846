"""The main numbers of a page, for screens and tables: measuring a page never raises here."""

from __future__ import annotations

from collections.abc import Callable

from ecgimg.digitization import Digitization
from ecgimg.errors import EcgImgError
from ecgimg.isolation import is_out_of_memory
from ecgimg.measurement.measure import measure
from ecgimg.measurement.results import Measured, Measurements
from ecgimg.reasons import Reason, ReasonCode

MAIN_NAMES = (
    "rate_bpm", "p_duration_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms", "qtc_bazett_ms", "p_axis_deg",
    "qrs_axis_deg", "t_axis_deg", "sokolow_lyon_mv", "cornell_mv", "limb_voltage_mv", "chest_voltage_mv",
)  # fmt: skip
"""The numbers of a record that screens show and tables hold."""

ST_NAME = "st_j60_mv"
"""The ST level that they give for each lead."""


def measure_page(page: Digitization, judged: Measurements | None = None) -> Measurements:
    """Measure a digitized page; an error of the measurement gives a reason, and never harms the page.

    Parameters
    ----------
    judged : Measurements, optional
        Of the leads that were classified. Where these are all leads of the page, they are not measured again.
    """
    if judged is not None and page.record is not None and set(page.record.leads) <= set(judged.leads):
        return judged
    return measured_or_reason(lambda: measure(page))


def measured_or_reason(run: Callable[[], Measurements]) -> Measurements:
    """Return what a measurement gives, or the reason why it failed."""
    try:
        return run()
    except EcgImgError as error:
        return Measurements((ReasonCode.NOT_MEASURED.reason(error=error),))
    except Exception as error:
        if is_out_of_memory(error):
            return Measurements((ReasonCode.MEMORY_LIMIT_EXCEEDED.reason(),))
        # the name of the error alone: its text may quote a file
        return Measurements((ReasonCode.INTERNAL_ERROR.reason(detail=type(error).__name__),))


def main_values(measurements: Measurements) -> dict[str, float | None]:
    """Return the main numbers by name, None where one is not given."""
    given = {name: measurements.values[name].value for name in MAIN_NAMES if name in measurements.values}
    return {name: given.get(name) for name in MAIN_NAMES}


def st_levels(measurements: Measurements) -> dict[str, Measured]:
    """Return the ST level of each lead; where the gain of the page is assumed, the reason in place of all levels."""
    voltage = measurements.values.get("limb_voltage_mv")
    reason = voltage.reason if voltage is not None else None
    if reason is not None and reason.code is ReasonCode.VOLTAGES_UNCERTAIN:
        return {lead: Measured(leads=(lead,), reason=reason) for lead in measurements.leads}
    return {lead: measured[ST_NAME] for lead, measured in measurements.leads.items()}


def why_nothing(measurements: Measurements, page: Digitization) -> tuple[Reason, ...]:
    """Return why nothing is measured, without the page's own reasons; empty where anything is."""
    if measurements.values:
        return ()
    return tuple(reason for reason in measurements.reasons if reason not in page.reasons)


def reason_codes(measurements: Measurements, page: Digitization) -> list[str]:
    """Return the codes of why nothing is measured, or of why main numbers are not given, each once."""
    numbers = [measurements.values[name] for name in MAIN_NAMES if name in measurements.values]
    not_given = [number.reason for number in numbers if number.value is None and number.reason is not None]
    reasons = (*why_nothing(measurements, page), *not_given)
    return list(dict.fromkeys(reason.code.value for reason in reasons))
