"""The label reader: which lead a printed label names."""
