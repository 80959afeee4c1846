"""Damage: one seeded chain from the printer to the file, with all geometry in one map."""

from synth.degradation.chain import Taken, take_picture
from synth.degradation.spec import KINDS, Ageing, Copier, Damage, Kind, Light, Screen, Sensor

__all__ = ["KINDS", "Ageing", "Copier", "Damage", "Kind", "Light", "Screen", "Sensor", "Taken", "take_picture"]
