"""Estimates, intervals and tests over problems and samples. Pure: numbers in, numbers out."""
