"""Interpretation: what the traces mean, that is layout, paper speed, gain, and where columns start."""
