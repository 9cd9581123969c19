"""The tasks that can be named, and where their problems come from."""
