"""What a person reads of an ECG: statements that rest on measurements, and how they are joined with findings."""

from ecgimg.reporting.conclusion import Conclusion, Judgement, conclude
from ecgimg.reporting.pdf import write_pdf
from ecgimg.reporting.report import Report, add_conclusion, report, report_page
from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode
from ecgimg.reporting.statements import find_statements, measurements_summary

__all__ = [
    "Basis",
    "Conclusion",
    "Grade",
    "Judgement",
    "Patient",
    "Report",
    "Statement",
    "StatementCode",
    "add_conclusion",
    "conclude",
    "find_statements",
    "measurements_summary",
    "report",
    "report_page",
    "write_pdf",
]
