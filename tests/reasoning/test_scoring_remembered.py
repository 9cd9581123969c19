from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    Engine,
    EngineError,
    EngineUnavailable,
    FakeEngine,
    Sampling,
    Scripted,
    Usage,
)
from reasoning import Answer
from reasoning.scoring import remembered
from reasoning.scoring.remembered import Remembered
from reasoning.scoring.scorer import Scores
from reasoning.scoring.verifier import Verifier
from tests.backends import run_virtually
from tests.reasoning.verdicts import Known, question, thread, yes_with


@dataclass(frozen=True, kw_only=True)
class Slow:
    """A scorer that takes a minute, and fails as often as it is told to."""

    failures: list[int] = field(default_factory=list)
    batches: list[tuple[str, list[str]]] = field(default_factory=list)

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        self.batches.append((context.path, [candidate.text for candidate in candidates]))
        await anyio.sleep(60)
        if self.failures:
            self.failures.pop()
            raise EngineUnavailable("busy")
        values = tuple(float(candidate.text) for candidate in candidates)
        return Scores(values=values, usage=Usage(generated_tokens=5), critical_path=5)


@pytest.mark.anyio
async def test_only_what_is_new_is_scored_in_one_batch_and_paid_once() -> None:
    scorer = Known(
        scores={"a": 1.0, "b": 2.0, "c": 3.0}, usage=Usage(generated_tokens=5), critical_path=3
    )
    memory = Remembered(scorer=scorer)
    engine = FakeEngine()
    root = await question(engine)
    first = await memory.score([thread("a"), thread("b"), thread("a")], root, engine)
    second = await memory.score([thread("c"), thread("b")], root.fork("other"), engine)
    third = await memory.score([thread("c")], root, engine)
    assert scorer.batches == [["a", "b"], ["c"]]
    assert (first.values, second.values, third.values) == ((1, 2, 1), (3, 2), (3,))
    assert (first.usage.generated_tokens, first.critical_path) == (5, 3)
    assert third == Scores(values=(3,))


@pytest.mark.anyio
async def test_another_question_value_or_engine_is_another_score() -> None:
    scorer = Known(scores={"a": 1.0})
    memory = Remembered(scorer=scorer)
    engine, text_only = FakeEngine(), FakeEngine(text_only=True)
    root, other = await question(engine), await question(engine, "What is 3 + 3?")
    await memory.score([thread("a")], root, engine)
    await memory.score([thread("a", value="1")], root, engine)
    await memory.score([thread("a")], other, engine)
    await memory.score([thread("a")], await question(text_only), text_only)
    await memory.score([Answer(text="a")], root, engine)
    assert len(scorer.batches) == 5
    await memory.score([Answer(text="a"), thread("a")], await question(engine), engine)
    assert len(scorer.batches) == 5


def test_two_who_ask_at_the_same_time_have_it_scored_once() -> None:
    async def main() -> float:
        scorer = Slow()
        memory = Remembered(scorer=scorer)
        engine = FakeEngine()
        root = await question(engine)
        found: dict[str, Scores] = {}

        async def ask(name: str, texts: str) -> None:
            answers = [thread(text) for text in texts]
            found[name] = await memory.score(answers, root.fork(name), engine)

        async with anyio.create_task_group() as group:
            group.start_soon(ask, "a", "12")
            await anyio.sleep(1)
            group.start_soon(ask, "b", "231")
        assert scorer.batches == [("root/a", ["1", "2"]), ("root/b", ["3"])]
        assert (found["a"].values, found["b"].values) == ((1, 2), (2, 3, 1))
        assert sum(scores.usage.generated_tokens for scores in found.values()) == 10
        return anyio.current_time()

    # The second's own batch runs beside the first's.
    assert run_virtually(main) == 61


def test_who_waits_for_one_who_fails_or_leaves_asks_himself() -> None:
    async def main() -> None:
        scorer = Slow(failures=[1])
        memory = Remembered(scorer=scorer)
        engine = FakeEngine()
        root = await question(engine)

        async def fail() -> None:
            with pytest.raises(EngineUnavailable):
                await memory.score([thread("1")], root.fork("a"), engine)

        async def leave() -> None:
            with anyio.move_on_after(2):
                await memory.score([thread("2")], root.fork("b"), engine)

        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            group.start_soon(leave)
            await anyio.sleep(1)
            scores = await memory.score([thread("1"), thread("2")], root.fork("c"), engine)
        assert scores.values == (1, 2)
        assert [path for path, _ in scorer.batches[2:]] == ["root/c"]

    run_virtually(main)


@given(st.randoms(use_true_random=False))
def test_nothing_is_scored_twice_whatever_the_order(chance: random.Random) -> None:
    async def main() -> list[str]:
        scorer = Slow()
        memory = Remembered(scorer=scorer)
        engine = FakeEngine()
        root = await question(engine)

        async def ask(number: int) -> None:
            await anyio.sleep(chance.uniform(0, 120))
            texts = [str(chance.randrange(6)) for _ in range(4)]
            answers = [thread(text) for text in texts]
            scores = await memory.score(answers, root.fork(str(number)), engine)
            assert scores.values == tuple(map(float, texts))

        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(ask, number)
        return [text for _, batch in scorer.batches for text in batch]

    scored = run_virtually(main)
    assert len(scored) == len(set(scored))


@pytest.mark.anyio
async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 2)
    scorer = Known(scores={"a": 1.0, "b": 2.0, "c": 3.0})
    memory = Remembered(scorer=scorer)
    engine = FakeEngine()
    root = await question(engine)
    scores = await memory.score([thread(text) for text in "abc"], root, engine)
    assert scores.values == (1, 2, 3)
    await memory.score([thread("c"), thread("b")], root, engine)
    assert len(scorer.batches) == 1
    await memory.score([thread("a")], root, engine)
    assert len(scorer.batches) == 2


@pytest.mark.anyio
async def test_nothing_is_forgotten_before_the_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembered, "_MOST", 4)
    scorer = Known(scores=dict.fromkeys("abc", 1.0))
    memory = Remembered(scorer=scorer)
    engine = FakeEngine()
    root = await question(engine)
    for _ in range(2):
        await memory.score([thread(text) for text in "abc"], root, engine)
    assert len(scorer.batches) == 1


@pytest.mark.anyio
async def test_a_verdict_that_was_lost_among_others_is_asked_for_again() -> None:
    failing = [True]

    def script(context: Context, sampling: Sampling) -> Scripted:
        if "bad" in "".join(turn.text for turn in context.turns) and failing:
            failing.pop()
            raise EngineError("busy")
        return yes_with(0.5)

    engine = FakeEngine(script)
    memory = Remembered(scorer=Verifier())
    root = await question(engine)
    first = await memory.score([thread("good"), thread("bad")], root, engine)
    assert (first.values, "1 of 2" in first.remark) == ((0.5, 0.0), True)
    calls = len(engine.calls)
    second = await memory.score([thread("good"), thread("bad")], root, engine)
    assert (second.values, second.remark) == ((0.5, 0.5), "")
    assert len(engine.calls) == calls + 1


@pytest.mark.anyio
async def test_a_verifier_is_asked_once_for_equal_answers() -> None:
    engine = FakeEngine(yes_with(0.5))
    memory = Remembered(scorer=Verifier())
    await memory.score([thread("4"), thread("4"), thread("5")], await question(engine), engine)
    assert len(engine.calls) == 2
