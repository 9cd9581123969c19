"""Tree search over steps of thought, whose branches share their KV: one core, and rules that say what grows."""
