"""Noise: baseline wander, muscle and mains of each lead, and leads that show no heart."""

from ecgimg.measurement.noise.lead_noise import LeadNoise, measure_noise

__all__ = ["LeadNoise", "measure_noise"]
