"""Degradation: one seeded chain from the printer to the file, with all geometry in one map."""

from synth.degradation.chain import DegradedPage, degrade_page
from synth.degradation.spec import KINDS, Ageing, Copier, Degradation, Kind, Light, Screen, Sensor

__all__ = [
    "KINDS",
    "Ageing",
    "Copier",
    "Degradation",
    "DegradedPage",
    "Kind",
    "Light",
    "Screen",
    "Sensor",
    "degrade_page",
]
