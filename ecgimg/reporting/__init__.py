"""What a person reads of an ECG: statements that rest on measurements, and how they are joined with findings."""

from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode
from ecgimg.reporting.statements import find_statements, measurements_summary

__all__ = ["Basis", "Grade", "Patient", "Statement", "StatementCode", "find_statements", "measurements_summary"]
