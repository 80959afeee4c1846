"""The PDF report of a record or a page: what is told of it, and its leads redrawn at true size on A4."""

from ecgimg.reporting.pdf.write_pdf import identity_line, write_pdf

__all__ = ["identity_line", "write_pdf"]
