"""Plans that people write: in files, and in a few lines of Python."""
