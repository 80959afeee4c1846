"""Which pixels are trace, lead label, calibration pulse or other print."""
