from __future__ import annotations

from functools import partial

import pytest

from engines import Context, FakeEngine, Sampling
from examples import custom_scorer
from tests.backends import run_virtually

STEPS = ("12 * 7 = 84.\n\n", "12 * 7 = 94.\n\n", "Let me see.\n\n")


def at_random(context: Context, sampling: Sampling) -> str:
    """Multiplies right, wrong or not at all, and then adds what it has."""
    said = context.turns[-1].text
    if "84" in said:
        return "84 + 38 = 122, so \\boxed{122}."
    if "94" in said:
        return "94 + 38 = 132, so \\boxed{132}."
    return STEPS[(sampling.seed or 0) % len(STEPS)]


def test_thoughts_with_wrong_equations_grow_no_further() -> None:
    engine = FakeEngine(at_random)
    answer = run_virtually(partial(custom_scorer.search, "What is 12 * 7 + 38?", engine))
    assert answer.value == "122"
    went_on = [call.context.turns[-1].text for call in engine.calls if call.context.turns[-1].text]
    assert any("84" in text for text in went_on)
    assert not any("94" in text for text in went_on)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("12 * 7 + 38 = 84 + 38 = 122, as 5 - 3 = 2", 1),
        (r"12 \times 7 + 38 = 122.", 1),
        ("5 - 3 = 1 and 2 * 3 = 6", 0.5),
        ("1+1=3", 0),
        ("hm, x = 3", 0.5),
    ],
)
def test_equations_are_counted_where_they_hold(text: str, score: float) -> None:
    assert custom_scorer.truth(text) == score
