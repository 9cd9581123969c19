"""SCALE: a problem in steps, each thought about as much as it is difficult."""
