"""From the ink of a flat page, or the paths of a vector page, to the trace of every row."""
