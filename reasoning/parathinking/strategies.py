"""Hints that lead threads to different ways of thinking about one question: one for each of up to eight threads."""

from __future__ import annotations

# Each reads well as the user's advice, and as the first words of the thread itself.
STRATEGIES = (
    "Approach: work forwards from what is given, one small step at a time.",
    "Approach: work backwards from what is asked.",
    "Approach: name the unknowns, write the equations, and solve them.",
    "Approach: look at a small or special case first, then at the whole question.",
    "Approach: split the question into parts and solve each of them.",
    "Approach: list all cases and rule them out one by one.",
    "Approach: estimate the answer first, then compute it exactly and compare.",
    "Approach: look for a symmetry, an invariant or a known result that settles it.",
)
