"""Scorers: how good a candidate is, as a number."""
