"""What a plan would take, before anything is spent."""
