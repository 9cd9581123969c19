"""How many calls to run at once, found out while they run."""
