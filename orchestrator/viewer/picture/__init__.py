"""What the page draws, folded from events and rows of a journal. Pure."""
