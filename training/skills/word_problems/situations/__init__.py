"""What word problems tell of. Data only."""
