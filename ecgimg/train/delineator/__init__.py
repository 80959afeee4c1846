"""The delineator: which wave each moment of a lead belongs to, and where that wave begins and ends."""
