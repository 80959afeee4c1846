"""Measure a record or a page: rate, intervals, axes, amplitudes, ST and noise, each with where it was measured."""

from ecgimg.measurement.measure import measure, measure_record
from ecgimg.measurement.results import Beat, LeadBeat, LeadMeasurements, Measured, Measurements

__all__ = ["Beat", "LeadBeat", "LeadMeasurements", "Measured", "Measurements", "measure", "measure_record"]
