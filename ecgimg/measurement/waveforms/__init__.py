"""Waveforms: amplitudes, areas, the ST level and noise of each lead."""
