"""HTTP around whoever answers: connections, keys, limits, what is counted and logged, and how it ends."""
