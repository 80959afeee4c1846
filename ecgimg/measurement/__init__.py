"""Measurements on a record."""
