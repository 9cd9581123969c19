"""Rules: which leaves of a search grow, and how many children each gets. Pure."""
