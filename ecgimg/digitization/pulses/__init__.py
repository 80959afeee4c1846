"""Calibration pulses: detected, measured, and trimmed off the traces."""
