"""Who decides whether a text answers a problem."""
