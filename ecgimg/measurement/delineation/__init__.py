"""Delineation: where the waves of each lead and each beat begin, peak and end."""
