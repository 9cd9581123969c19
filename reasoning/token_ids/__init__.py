"""Texts as ids: where tokens end, what is cut off by a text, and what is stitched back without encoding it anew."""
