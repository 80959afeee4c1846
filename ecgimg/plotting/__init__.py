"""Leads on ECG paper as SVG, with the marks of their waves, and the HTML that notebooks show."""

from ecgimg.plotting.ecg_plot import EcgPlot, plot_leads
from ecgimg.plotting.marks import MARK_KINDS, Mark, MarkKind

__all__ = ["MARK_KINDS", "EcgPlot", "Mark", "MarkKind", "plot_leads"]
