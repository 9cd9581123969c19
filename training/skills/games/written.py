r"""Thoughts on a puzzle, as they are written: a move a step, and at last the moves as one expression. Pure.

10 - 4 = 6 (left: 5 6 6)

6 * 5 = 30 (left: 6 30)

30 - 6 = 24 (left: 24)

24 = 30 - 6
24 = (6 * 5) - 6
\boxed{((10 - 4) * 5) - 6}
"""

from __future__ import annotations

from collections.abc import Sequence

from evals.game24 import Move

BETWEEN = "\n\n"
"""What ends a step, as `ModelSteps` has it by default."""


def conclusion(moves: Sequence[Move]) -> str:
    r"""The last step: the last move, in which one number after another is replaced by the move that made it.

    >>> from evals.game24 import numbers_of
    >>> one, four, six = numbers_of("4 6 1")
    >>> three = Move(four, "-", one)
    >>> print(conclusion([three, Move(six, "*", three.value)]))
    18 = 6 * 3
    \boxed{6 * (4 - 1)}
    """
    *before, last = moves
    words = [str(last.first), last.operator, str(last.second)]
    lines = []
    for move in reversed(before):
        lines.append(f"{last.value} = {_joined(words)}")
        place = words.index(str(move.value))
        words[place : place + 1] = ["(", str(move.first), move.operator, str(move.second), ")"]
    return "\n".join([*lines, f"\\boxed{{{_joined(words)}}}"])


def _joined(words: Sequence[str]) -> str:
    return " ".join(words).replace("( ", "(").replace(" )", ")")
