from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
    Scripted,
    Usage,
    UsageError,
)
from reasoning import Answer, NoCandidates
from reasoning.reducing.ballot import Ballot
from reasoning.reducing.excerpts import Excerpt
from reasoning.reducing.selection import Select
from tests.backends import run_virtually
from tests.reasoning.verdicts import END, prompt_text, question, says, thread

SEEDED = Sampling(seed=1)


def listed(context: Context) -> list[str]:
    """The answers that a prompt lists."""
    text = "".join(turn.text for turn in context.turns if turn.role == "user")
    return re.findall(r"Answer \d:\n(?:\.\.\. )?(.*)\n", text)


def likes(
    favourite: str, fails_at: str = "nowhere"
) -> Callable[[Context, Sampling], str | ForkjoinError]:
    """Picks an answer wherever it is listed, else the last one."""

    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        answers = listed(context)
        if fails_at in context.path:
            return EngineUnavailable("busy")
        return str(answers.index(favourite) + 1 if favourite in answers else len(answers))

    return script


async def selected(texts: list[str], engine: FakeEngine, select: Select | None = None) -> Answer:
    answers = [thread(text, value=text, ended=True) for text in texts]
    return await (select or Select()).reduce(answers, await question(engine), engine)


@pytest.mark.anyio
async def test_the_likeliest_number_is_picked_in_one_call_behind_the_question() -> None:
    engine = FakeEngine(says("1", {"1": 0.3, "2": 0.5, "3": 0.2}))
    won = await selected(["four", "five", "six"], engine, Select(sampling=SEEDED))
    assert won.value == "five"
    (call,) = engine.calls
    assert call.context.path == "root/select-0/0-0/answers"
    assert [turn.role for turn in call.context.turns] == ["user", "assistant"]
    assert prompt_text(engine).startswith("<|user|>What is 2 + 2?\n\nThese answers")
    # The ids as they were generated, without the end of the model's turn.
    assert "Answer 2:\nfive\n\nAnswer 3:\nsix\n\nCompare" in prompt_text(engine)
    assert END not in call.context.token_ids
    assert call.sampling.seed == SEEDED.for_branch(call.context.path).seed
    assert (won.usage.generated_tokens, won.critical_path, won.branches) == (1, 1, ())


@given(st.integers(1, 40), st.data())
def test_a_favourite_wins_every_tournament(count: int, data: st.DataObject) -> None:
    favourite = str(data.draw(st.integers(0, count - 1)))

    async def main() -> tuple[Answer, FakeEngine, int, int]:
        engine = FakeEngine(likes(favourite))
        won = await selected([str(i) for i in range(count)], engine)
        statistics = await engine.statistics()
        return won, engine, statistics.prompt_tokens, statistics.generated_tokens

    won, engine, prompt_tokens, generated_tokens = run_virtually(main)
    assert won.value == favourite
    assert won.usage.prompt_tokens == prompt_tokens
    assert won.usage.generated_tokens == generated_tokens
    rounds = {call.context.path.split("/")[1] for call in engine.calls}
    assert won.critical_path == len(rounds) == (0 if count == 1 else 1 if count < 10 else 2)
    paths = [call.context.path for call in engine.calls]
    assert len(paths) == len(set(paths))


@pytest.mark.anyio
async def test_candidates_that_are_too_long_for_one_prompt_play_in_smaller_groups() -> None:
    texts = [letter * 150 for letter in "abcdef"]
    engine = FakeEngine(likes("c" * 150), window=900)
    won = await selected(texts, engine)
    assert won.value == "c" * 150
    assert max(len(listed(call.context)) for call in engine.calls) == 3
    assert all(len(call.context.token_ids) < 900 for call in engine.calls)


@pytest.mark.anyio
async def test_two_that_are_too_long_together_are_cut_to_their_tails() -> None:
    texts = ["a" * 900 + "so 4", "b" * 900 + "so 5", "so 6"]
    engine = FakeEngine(["2", "1"], window=1000)
    won = await selected(texts, engine)
    assert won.value == texts[1]
    assert "Answer 1:\n... a" in prompt_text(engine)
    assert "aso 4\n\nAnswer 2:\n... b" in prompt_text(engine)
    assert "bso 5\n\nAnswer 2:\nso 6\n\nCompare" in prompt_text(engine, 1)
    assert all(len(call.context.token_ids) < 1000 for call in engine.calls)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40), st.integers(0, 900))
def test_groups_are_a_cut_of_the_candidates_and_fit(lengths: list[int], room: int) -> None:
    excerpts = tuple(Excerpt(text="", token_ids=(1,) * length) for length in lengths)
    groups = Ballot(candidates=excerpts, room=room).groups(range(len(lengths)))
    assert [candidate for group in groups for candidate in group] == list(range(len(lengths)))
    assert all(len(group) >= 2 for group in groups[:-1])
    for group in groups:
        assert 1 <= len(group) <= 9
        assert len(group) <= 2 or sum(lengths[i] for i in group) <= room


@pytest.mark.anyio
async def test_votes_see_other_orders_and_ties_go_to_the_first() -> None:
    # Whatever stands first wins: each of three votes picks another one.
    engine = FakeEngine("1")
    won = await selected(["a", "b", "c"], engine, Select(votes=3, sampling=SEEDED))
    assert won.value == "a"
    orders = sorted("".join(listed(call.context)) for call in engine.calls)
    assert orders == ["abc", "bca", "cab"]
    assert len({call.sampling.seed for call in engine.calls}) == 3
    engine = FakeEngine(likes("c"))
    assert (await selected(["a", "b", "c"], engine, Select(votes=3))).value == "c"


@pytest.mark.anyio
async def test_it_thinks_before_it_picks_where_it_may() -> None:
    def script(context: Context, sampling: Sampling) -> Scripted | str:
        return "2" if sampling.constraint else "The second is right, for"

    engine = FakeEngine(script)
    won = await selected(["a", "b"], engine, Select(thinking_tokens=7))
    assert (won.value, won.usage.generated_tokens, won.critical_path) == ("b", 8, 8)


@pytest.mark.anyio
async def test_a_group_that_cannot_be_judged_sends_its_first() -> None:
    engine = FakeEngine(likes("0", fails_at="select-0/0"))
    won = await selected([str(i) for i in range(10)], engine)
    assert won.value == "0"
    assert won.remark == "1 of 2 selections were lost, the first: busy"
    statistics = await engine.statistics()
    assert won.usage.generated_tokens == statistics.generated_tokens == 2


@pytest.mark.anyio
async def test_a_round_that_cannot_be_judged_fails() -> None:
    engine = FakeEngine(likes("0", fails_at="select"))
    with pytest.raises(NoCandidates, match="all 2 selections failed, the first: busy"):
        await selected([str(i) for i in range(10)], engine)


@pytest.mark.anyio
async def test_it_works_on_a_text_only_engine() -> None:
    engine = FakeEngine("2", text_only=True)
    answers = [Answer(text="a"), Answer(text="b")]
    won = await Select().reduce(answers, await question(engine), engine)
    assert (won.text, won.usage.generated_tokens) == ("b", 1)


@pytest.mark.anyio
async def test_a_pick_that_is_no_number_counts_as_not_told() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        # The second vote sees the second answer first.
        return "1." if "0-1" in context.path else "banana"

    engine = FakeEngine(script, text_only=True)
    answers = [Answer(text="a"), Answer(text="b")]
    won = await Select().reduce(answers, await question(engine), engine)
    assert (won.text, won.remark) == ("a", "1 of 1 verdicts could not be read")
    again = await Select(votes=2).reduce(answers, await question(engine), engine)
    assert (again.text, again.remark) == ("b", "1 of 2 verdicts could not be read")


@pytest.mark.anyio
async def test_one_candidate_is_not_asked_about() -> None:
    engine = FakeEngine()
    won = await selected(["a"], engine)
    assert (won.value, won.usage, engine.calls) == ("a", Usage(), [])


@pytest.mark.parametrize("wrong", [{"votes": 0}, {"thinking_tokens": -1}])
def test_a_selection_needs_a_vote(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Select(**wrong)  # type: ignore[arg-type]  # sampling is no number
