"""Calibration pulses: found, measured and cut off the traces."""
