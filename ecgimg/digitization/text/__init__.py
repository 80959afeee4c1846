"""Printed text: lead labels, and the scale."""
