"""Runs a system on tasks, and keeps and reads what came of it."""
