"""A run as a page: its plan, its threads, its time and its texts."""
