"""ParaThinker: threads side by side and one summary, for any model and for those that were trained for it."""
