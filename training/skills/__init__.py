"""What the adapter is taught: each skill makes lessons, and knows what is held out of them."""
