"""Compare two ECGs of one person."""

from __future__ import annotations

from collections.abc import Mapping

from ecgimg.comparison.changes import change_of
from ecgimg.comparison.results import Comparison, LeadComparison
from ecgimg.comparison.statement_changes import statement_changes
from ecgimg.comparison.usual_beats import TIMES_S, UsualBeat, usual_beats
from ecgimg.leads import KNOWN_LEADS
from ecgimg.measurement import Measured
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES
from ecgimg.open_ecg import Ecg
from ecgimg.reporting import Patient, Report, report


def compare(old: Ecg, new: Ecg, *, patient: Patient | None = None) -> Comparison:
    """Measure, classify and compare two ECGs; see `ecgimg.compare`."""
    return compare_reports(report(old, patient=patient), report(new, patient=patient))


def compare_reports(old: Report, new: Report) -> Comparison:
    """Compare two ECGs that were measured and classified.

    Parameters
    ----------
    old, new : Report
        What `ecgimg.classify` gives of each, with the same patient.

    Returns
    -------
    Comparison
    """
    old_beats, new_beats = usual_beats(old.measurements), usual_beats(new.measurements)
    is_measured = bool(old.measurements.values or new.measurements.values)
    values = {name: change_of(name, _number(old, name), _number(new, name)) for name in GLOBAL_NAMES if is_measured}
    leads = {
        lead: _compare_lead(lead, old, new, old_beats, new_beats)
        for lead in KNOWN_LEADS
        if lead in old_beats or lead in new_beats
    }
    return Comparison(old, new, values, leads, statement_changes(old, new), TIMES_S)


def _number(ecg: Report, name: str) -> Measured:
    measured = ecg.measurements
    if measured.values or measured.reasons:
        return measured[name]
    return Measured(reason=ecg.reasons[0] if ecg.reasons else None)


def _compare_lead(
    lead: str, old: Report, new: Report, old_beats: Mapping[str, UsualBeat], new_beats: Mapping[str, UsualBeat]
) -> LeadComparison:
    values = {}
    if lead in old_beats and lead in new_beats:
        one, other = old.measurements.leads[lead], new.measurements.leads[lead]
        values = {name: change_of(name, one[name], other[name]) for name in LEAD_NAMES}
    return LeadComparison(lead, values, old_beats.get(lead), new_beats.get(lead))
