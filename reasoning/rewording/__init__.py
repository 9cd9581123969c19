"""Rewordings: one question in many forms that ask for the same. Pure."""
