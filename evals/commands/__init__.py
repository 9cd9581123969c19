"""The commands of evaluations."""
