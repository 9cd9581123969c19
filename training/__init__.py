"""Trains the adapter that makes the embedded model think in parallel. Not installed; needs the extra `train`.

    skill ─> lesson ─> teacher engine under the real method ─> units ─> trie ─> rows ─> LoRA

What the model is shown are the very token ids that the methods of `reasoning` and `planners` send and expect: a lesson
runs the method itself, with a teacher in the place of the model.
"""
