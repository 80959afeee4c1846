"""The print reader: what a line of print says."""
