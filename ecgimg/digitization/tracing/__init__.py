"""From ink to the centre line of every row."""
