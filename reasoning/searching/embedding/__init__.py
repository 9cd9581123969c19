"""Embedders: what texts mean, as vectors, so that steps that say the same can be told."""
