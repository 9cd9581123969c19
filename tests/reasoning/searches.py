r"""Searches on a fake engine whose steps say how good they are: `[0.7] so\n\n` scores 0.7."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from engines import Context, Engine, EngineError, FakeEngine, ForkjoinError, Sampling, converse
from reasoning import Answer, Branch
from reasoning.scoring.check import Check
from reasoning.searching.rules.rule import Allocation
from reasoning.searching.tree import ROOT, Frontier, Place
from reasoning.searching.tree_search import TreeSearch
from tests.backends import run_virtually

Reply = str | ForkjoinError
Told = Callable[[Place], Reply]

LOST = EngineError("lost")


async def same(first: str, second: str) -> bool:
    """Compares at sight, since a virtual clock does not wait for math-verify."""
    return first == second


def reward_told(answer: Answer) -> float:
    """The last number in brackets."""
    return float(re.findall(r"\[(.*?)\]", answer.text)[-1])


SCORER = Check(check=reward_told)


def search(**options: Any) -> TreeSearch:
    """A search of 4 that scores by what steps say of themselves."""
    defaults: dict[str, Any] = {"width": 4, "scorer": SCORER, "equality": same}
    return TreeSearch(**{**defaults, **options})


def place_of(context: Context) -> Place:
    """Where a step stands, by its path."""
    names = [name for name in context.path.split("/") if name.startswith("step-")]
    return tuple(int(name.removeprefix("step-")) for name in names)


def engine_that(
    tells: Told | Mapping[Place, Reply],
    seconds: Callable[[Place], float] = lambda place: 0,
    **options: Any,
) -> FakeEngine:
    """Tells each step by its place; places that are not named are good by 0.5, and go on."""

    async def script(context: Context, sampling: Sampling) -> Reply:
        place = place_of(context)
        await anyio.sleep(seconds(place))
        return tells(place) if callable(tells) else tells.get(place, f"[0.5] {place}\n\n")

    return FakeEngine(script, **options)


def answering_at(depth: int, value: str = "7") -> Told:
    """Each thought comes to the same answer in its step number `depth`."""

    def tell(place: Place) -> Reply:
        return f"[0.5] \\boxed{{{value}}}" if len(place) == depth else f"[0.5] {place}\n\n"

    return tell


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A rule: each leaf gets one child, as far as the width goes, the root all."""

    def select(self, frontier: Frontier, width: int) -> Allocation:
        leaves = [leaf.place for leaf in frontier.leaves]
        if leaves == [ROOT]:
            return Allocation({ROOT: width})
        return Allocation(dict.fromkeys(leaves[:width], 1))


async def solved(method: TreeSearch, engine: Engine) -> Answer:
    """What a search answers, whose cost is the engine's own, and which leaves nothing behind."""
    question = await converse(engine, [("user", "Why?")], name="root")
    answer = await method.solve(question, engine)
    statistics = await engine.statistics()
    assert statistics.running == 0
    assert answer.usage.prompt_tokens == statistics.prompt_tokens
    assert answer.usage.generated_tokens == statistics.generated_tokens
    assert 0 < answer.critical_path <= answer.usage.generated_tokens
    return answer


def found(method: TreeSearch, engine: Engine) -> Answer:
    """The same under virtual time."""
    return run_virtually(lambda: solved(method, engine))


def branches_of(answer: Answer) -> dict[Place, Branch]:
    """All branches of the tree by their places."""

    def walk(branches: tuple[Branch, ...]) -> Iterator[Branch]:
        for branch in branches:
            yield branch
            if branch.answer is not None:
                yield from walk(branch.answer.branches)

    steps = {branch.path.partition("/")[2]: branch for branch in walk(answer.branches)}
    return {tuple(int(n[5:]) for n in path.split("/")): b for path, b in steps.items()}


def begun(engine: FakeEngine) -> list[Place]:
    """The places of the steps that were asked for; loops start tasks in no order."""
    return sorted((place_of(call.context) for call in engine.calls), key=lambda p: (len(p), p))
