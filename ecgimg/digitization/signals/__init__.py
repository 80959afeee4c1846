"""From traces to calibrated leads that agree with each other."""
