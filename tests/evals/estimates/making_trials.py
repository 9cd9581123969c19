"""Trials for tests."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from evals import Trial, Trials

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 1.0)
"""Of which some sum to the same, but for rounding."""


@st.composite
def samples(draw: st.DrawFn, most: int = 8) -> list[Trial]:
    """Samples of a problem; equal answers are equally right, and no answer is wrong, except where they are not."""
    votes = draw(st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=1, max_size=most))
    right = draw(st.sets(st.sampled_from([0, 1, 2, 3])))
    odd = draw(st.booleans())
    return [
        Trial(
            correct=vote in right or (odd and vote is not None and draw(st.booleans())),
            vote=vote,
            weight=draw(st.sampled_from(WEIGHTS)),
        )
        for vote in votes
    ]


def trials(name: str, right: Sequence[int | bool], *, tokens: int = 0) -> Trials:
    """A problem with samples that are right or wrong, all right ones with the same answer."""
    return Trials(
        problem=name,
        trials=tuple(
            Trial(correct=bool(one), vote=0 if one else number + 1, tokens=tokens)
            for number, one in enumerate(right)
        ),
    )
