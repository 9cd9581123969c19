"""Fork and join that the model writes itself: tags, dialects, and the method that follows them."""
