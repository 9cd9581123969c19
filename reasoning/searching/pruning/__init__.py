"""Pruning: which leaves of a tree are worth the memory that they keep alive. Pure."""
