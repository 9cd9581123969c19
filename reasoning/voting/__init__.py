"""Votes: when enough have voted, and what each vote weighs. Pure."""
