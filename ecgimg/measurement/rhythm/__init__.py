"""Rhythm: pacing spikes, the class of each beat, and the heart rate."""
