"""The rules of docs/architecture.md, read off the calls, events and accounts that runs have left."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines import Engine, EngineStatistics, Usage
from orchestrator import Event, GenerationFinished, GenerationStarted, RunFinished, RunResult
from reasoning import Answer

from .recorded_calls import Call

# Shorter texts may stand in a prompt by chance.
_SHORTEST = 20


@dataclass(kw_only=True)
class Evidence:
    """What one run has left."""

    result: RunResult
    events: Sequence[Event]
    calls: Sequence[Call]

    @property
    def answer(self) -> Answer:
        """The method's own, with its own account."""
        thought = self.result.outcomes["1"].value
        assert thought is not None
        return thought.answer


async def assert_ids_are_stitched(calls: Sequence[Call], engine: Engine) -> None:
    """Rule 1: where a prompt holds what a call said, it holds the ids that vLLM gave.

    Rule 4: what threads said stands in the order of their names, whichever was there first.
    """
    for later in calls:
        prompt = await engine.decode(later.prompt)
        places: list[tuple[int, str]] = []
        for earlier in calls:
            if earlier.ended > later.asked:
                continue
            ids = await _ids_of_text(earlier, engine)
            text = await engine.decode(ids)
            if len(text) < _SHORTEST or text not in prompt:
                continue
            place = _place(ids, later.prompt)
            assert place is not None, f"{later.path} has the text of {earlier.path} in other ids"
            places.append((place, earlier.path))
        _assert_in_order([path for _, path in sorted(places)])


def assert_accounts_agree(
    runs: Sequence[Evidence], before: EngineStatistics, after: EngineStatistics
) -> None:
    """Rule 2: the Answer's account, the run's, its events' and the engine's own are one."""
    for run in runs:
        told = [event.usage for event in run.events if isinstance(event, GenerationFinished)]
        assert run.answer.usage == run.result.usage_by_node["1"] == run.result.usage
        assert run.answer.usage == sum(told, Usage()) == end_of(run.events).usage
    total = sum((run.answer.usage for run in runs), Usage())
    engine = Usage(
        prompt_tokens=after.prompt_tokens - before.prompt_tokens,
        generated_tokens=after.generated_tokens - before.generated_tokens,
    )
    assert total.prompt_tokens == engine.prompt_tokens
    if total.lower_bound:
        assert total.generated_tokens <= engine.generated_tokens
    else:
        assert total.generated_tokens == engine.generated_tokens


def assert_requests_agree(calls: Sequence[Call], others: Sequence[Call]) -> None:
    """Rule 3: one seed a path, and what was asked before anything was said is the same in every run."""
    seeds = {call.path: call.sampling.seed for call in calls}
    assert all(seeds.get(call.path, call.sampling.seed) == call.sampling.seed for call in others)
    assert len(set(seeds.values())) == len(seeds)
    silence = min(call.said_first for call in calls)
    first = {call.request for call in calls if call.asked < silence}
    assert first <= {call.request for call in others}


def assert_branches_are_in_order(answer: Answer) -> None:
    """Rule 4: branches stand in the order of their names."""
    _assert_in_order([branch.path for branch in answer.branches])
    for branch in answer.branches:
        if branch.answer is not None:
            assert_branches_are_in_order(branch.answer)


def assert_paths_fit(run: Evidence, *, sequential: bool) -> None:
    """Rule 5: in all of the tree the critical path is at most what was generated, and is all of it without forks."""
    end = end_of(run.events)
    assert end.critical_path == run.result.critical_path == run.answer.critical_path
    for answer in _every_answer(run.answer):
        assert 0 <= answer.critical_path <= answer.usage.generated_tokens
    if sequential:
        assert run.answer.critical_path == run.answer.usage.generated_tokens
    elif any(len(answer.branches) > 1 for answer in _every_answer(run.answer)):
        assert run.answer.critical_path < run.answer.usage.generated_tokens


def assert_nothing_is_left(
    events: Sequence[Event], before: EngineStatistics, after: EngineStatistics
) -> None:
    """Rule 6: every call has ended when its run ends, and the engine and its KV cache are as they were."""
    begun = [event.call for event in events if isinstance(event, GenerationStarted)]
    ended = [event.call for event in events if isinstance(event, GenerationFinished)]
    assert sorted(begun) == sorted(ended)
    assert isinstance(events[-1], RunFinished)
    assert (after.running, after.waiting) == (0, 0)
    assert after.kv_usage == before.kv_usage


def shortfalls(calls: Sequence[Call], block: int) -> Iterator[tuple[str, int, int]]:
    """Calls that took less from the cache than the whole blocks that they share with a call asked before.

    The last token is always computed, since the next one comes of it; of what was generated it never was.
    """
    for number, call in enumerate(calls):
        if not call.chunks:
            continue
        shared = max(
            (_common(call.prompt, _computed(e, call.asked)) for e in calls[:number]), default=0
        )
        floor = min(shared, len(call.prompt) - 1) // block * block
        if call.cached < floor:
            yield call.path, call.cached, floor


def finished(events: Sequence[Event], *, replayed: bool = False) -> set[str]:
    """The paths of the calls that came to their end in the engine, or of those that a journal answered."""
    return {
        event.path
        for event in events
        if isinstance(event, GenerationFinished)
        and event.finish_reason in ("stop", "length")
        and event.replayed == replayed
    }


def end_of(events: Sequence[Event]) -> RunFinished:
    """How a run ended."""
    (end,) = [event for event in events if isinstance(event, RunFinished)]
    return end


def _every_answer(answer: Answer) -> Iterator[Answer]:
    yield answer
    for branch in answer.branches:
        if branch.answer is not None:
            yield from _every_answer(branch.answer)


def _assert_in_order(paths: Sequence[str]) -> None:
    """Siblings, whose names differ by their number, count upwards."""
    siblings: dict[str, list[int]] = {}
    for path in paths:
        if match := re.fullmatch(r"(.*?)(\d+)", path):
            siblings.setdefault(match[1], []).append(int(match[2]))
    for name, numbers in siblings.items():
        assert numbers == sorted(set(numbers)), name


async def _ids_of_text(call: Call, engine: Engine) -> tuple[int, ...]:
    """What it generated without what ended it: the most ids that say a beginning of its text."""
    ids = call.generated
    while ids and not call.text.startswith(await engine.decode(ids)):
        ids = ids[:-1]
    return ids


def _place(part: Sequence[int], whole: Sequence[int]) -> int | None:
    size = len(part)
    starts = range(len(whole) - size + 1)
    return next((i for i in starts if tuple(whole[i : i + size]) == tuple(part)), None)


def _computed(call: Call, moment: int) -> tuple[int, ...]:
    """The ids that vLLM had at least begun to compute for a call at a moment."""
    return (*call.prompt, *call.generated[:-1]) if call.ended < moment else call.prompt


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
