"""Runs whatever is ready of a graph of nodes, whatever running a node means."""
