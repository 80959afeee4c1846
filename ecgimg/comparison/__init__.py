"""Two ECGs of one person: what changed of each number, of the usual beat of each lead, and of what is told."""

from ecgimg.comparison.changes import Change
from ecgimg.comparison.compare import compare, compare_reports
from ecgimg.comparison.results import Comparison, LeadComparison, StatementChange
from ecgimg.comparison.usual_beats import UsualBeat

__all__ = ["Change", "Comparison", "LeadComparison", "StatementChange", "UsualBeat", "compare", "compare_reports"]
