"""Tools: what a function says of itself, one call of it, and the tools of a run."""
