"""The segmenter: which pixels are trace, label, pulse, grid and other print."""
