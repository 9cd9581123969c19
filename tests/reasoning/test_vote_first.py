from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, FakeEngine, Segment, Usage
from reasoning import Answer
from reasoning.reducing.vote_first import VoteFirst
from tests.backends import run_virtually

CONTEXT = Context(Segment("user", "?", (63,)), name="root")
SUMMARY = "In all: \\boxed{9}"


async def same_text(first: str, second: str) -> bool:
    return first == second


def reduced(values: list[str | None]) -> tuple[Answer, int]:
    """The answer, and how often the model was asked."""
    candidates = [Answer(text=f"so {value}", value=value) for value in values]

    async def main() -> tuple[Answer, int]:
        engine = FakeEngine(SUMMARY)
        answer = await VoteFirst(equality=same_text).reduce(candidates, CONTEXT, engine)
        return answer, len(engine.calls)

    return run_virtually(main)


@given(st.lists(st.none() | st.sampled_from("ab"), min_size=1, max_size=8))
def test_the_model_is_asked_only_where_no_answer_has_more_than_half_of_all(
    values: list[str | None],
) -> None:
    answer, calls = reduced(values)
    decided = [value for value in "ab" if 2 * values.count(value) > len(values)]
    if decided:
        assert (answer.value, calls) == (decided[0], 0)
        assert (answer.usage, answer.critical_path) == (Usage(), 0)
    else:
        assert (answer.value, calls) == ("9", 1)
        assert answer.usage.generated_tokens == answer.critical_path == len(SUMMARY)


def test_half_is_no_majority() -> None:
    assert reduced(["a", "a", "b", "c"])[1] == 1
    assert reduced(["a", "a", "b", None])[1] == 1
    assert reduced(["a", "a", "b"])[1] == 0


@pytest.mark.anyio
async def test_equal_numbers_are_one_answer_and_the_first_that_gives_it_is_taken() -> None:
    candidates = [Answer(text=text, value=text) for text in ("3", "1/2", "0.5")]
    answer = await VoteFirst().reduce(candidates, CONTEXT, FakeEngine())
    assert answer.text == "1/2"


def test_it_is_shown_the_same_in_every_process() -> None:
    assert repr(VoteFirst()).startswith("VoteFirst(otherwise=Synthesise(")
    assert "0x" not in repr(VoteFirst())
