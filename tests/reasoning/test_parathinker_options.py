"""What ParaThinker can be told: hints, and options as texts."""

from __future__ import annotations

import pytest

from engines import Context, FakeEngine, UsageError, configured, converse
from reasoning.parathinking.parathinker import ParaThinker
from reasoning.parathinking.strategies import STRATEGIES

pytestmark = pytest.mark.anyio


async def asked(method: ParaThinker) -> dict[str, str]:
    """What the user said, by the path of the call."""
    engine = FakeEngine("so")
    question: Context = await converse(engine, [("user", "What is 2 + 2?")], name="root")
    await method.solve(question, engine)
    return {call.context.path: call.context.turns[0].text for call in engine.calls}


async def test_hints_go_round_and_the_summary_does_not_see_them() -> None:
    said = await asked(ParaThinker(threads=3, hints=("Guess.", "Compute.")))
    for number, hint in enumerate(["Guess.", "Compute.", "Guess."]):
        assert f"What is 2 + 2?\n\n{hint}\n\nThink step" in said[f"root/thread-{number}"]
    assert "Guess." not in said["root/synthesise"]


async def test_there_is_a_strategy_for_each_of_eight_threads() -> None:
    said = await asked(ParaThinker(threads=8, hints="strategies"))
    found = [said[f"root/thread-{i}"] for i in range(8)]
    assert all(strategy in text for strategy, text in zip(STRATEGIES, found, strict=True))
    assert len({*STRATEGIES}) == 8


def test_every_option_is_reached_by_a_text() -> None:
    settings = {
        "threads": "8",
        "hints": '["Guess.", "Compute."]',
        "wait": "half",
        "deadline": "2.5",
        "tuned": "no",
        "method.sampling.temperature": "0.5",
        "reducer.tail_tokens": "100",
        "reducer.order": "longest first",
    }
    found = configured(ParaThinker(), settings)
    assert (found.threads, found.hints, found.wait) == (8, ("Guess.", "Compute."), "half")
    assert configured(found, {"wait": "3", "hints": "strategies"}).wait == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threads": "0"}, "with 0 threads: at least 1"),
        ({"hints": "Guess."}, "hints=Guess."),
        ({"wait": "0"}, "wait=0"),
        ({"wait": "none"}, "wait=none"),
        ({"deadline": "0"}, "a deadline of 0 s is over already"),
    ],
)
def test_wrong_options_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configured(ParaThinker(), settings)


def test_a_single_text_is_no_tuple_of_hints() -> None:
    with pytest.raises(UsageError, match="is one text"):
        ParaThinker(hints="Guess.")  # type: ignore[arg-type]  # as people write it
