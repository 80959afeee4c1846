"""Prepare the picture: remove scanner streaks, restore contrast."""
