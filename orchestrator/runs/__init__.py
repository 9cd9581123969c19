"""What runs leave on disk, and how it is read: folders, locks, and what is known of a run from its events."""
