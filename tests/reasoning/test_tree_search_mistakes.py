"""Mistakes in what users write for a search: they come out as themselves, however many branches met them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engines import UsageError
from orchestrator import Agent
from planners import SinglePlanner
from reasoning import Answer
from reasoning.scoring.check import Check
from reasoning.searching.lookahead import Lookahead
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.tree_search import TreeSearch
from tests.reasoning.searches import answering_at, engine_that, found, search


def raising(*args: Any, **options: Any) -> Any:
    raise ValueError("boom")


async def raising_later(*args: Any, **options: Any) -> Any:
    raise ValueError("boom")


def good(*args: Any, **options: Any) -> Any:
    return "good"


async def nothing(*args: Any, **options: Any) -> Any:
    return None


class Steps:
    def __init__(self, step: Any) -> None:
        self.step = step


class Embeds:
    def __init__(self, embed: Any) -> None:
        self.embed = embed


MISTAKES: Sequence[tuple[dict[str, Any], type[Exception], str]] = [
    ({"scorer": Check(check=raising)}, ValueError, "^boom"),
    ({"scorer": Check(check=raising_later)}, ValueError, "^boom"),
    ({"scorer": Check(check=good)}, TypeError, "^the check returned 'good': return True"),
    ({"scorer": Check(check=nothing)}, TypeError, "^the check returned None: return True"),
    ({"scorer": Check(check=lambda: 1.0)}, TypeError, "takes 0 positional arguments but 1 was"),  # type: ignore[arg-type,misc]
    ({"stepper": Steps(raising)}, ValueError, "^boom"),
    ({"stepper": Steps(raising_later)}, ValueError, "^boom"),
    ({"stepper": Steps(good)}, TypeError, r"^Steps.step returned 'good' at once: make it async"),
    ({"stepper": Steps(nothing)}, TypeError, r"^Steps.step returned None: return a Step"),
    ({"stepper": Steps(lambda: None)}, TypeError, "unexpected keyword|positional"),
    (
        {"scorer": Lookahead(scorer=Check(check=lambda answer: 1.0), stepper=Steps(nothing))},
        TypeError,
        r"^Steps.step returned None: return a Step",
    ),
]


@pytest.mark.parametrize(("options", "error", "message"), MISTAKES)
@pytest.mark.parametrize("fraction", [0.5, 1])
def test_what_a_users_function_raises_comes_out_as_itself(
    options: dict[str, Any], error: type[Exception], message: str, fraction: float
) -> None:
    with pytest.raises(error, match=message):
        found(search(fraction=fraction, **options), engine_that(answering_at(3)))


@pytest.mark.parametrize(("options", "error", "message"), MISTAKES)
@pytest.mark.anyio
async def test_so_it_does_from_a_run(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    agent = Agent(
        engine=engine_that(answering_at(3)), planner=SinglePlanner(), method=search(**options)
    )
    with pytest.raises(error, match=message):
        await agent.run("Why?")


def test_a_rule_that_returns_no_allocation_is_told_so() -> None:
    class Loose:
        def select(self, *args: Any) -> Any:
            return {(): 4}

    with pytest.raises(UsageError, match=r"^Loose.select returned \{\(\): 4\}: return an Alloc"):
        found(search(rule=Loose()), engine_that({}))


@pytest.mark.parametrize("part", ["rule", "scorer", "stepper"])
def test_a_part_that_is_a_name_or_a_class_is_refused(part: str) -> None:
    for given in ("rebase", Rebase, None, Answer):
        with pytest.raises(UsageError, match=f"^{part}=.* has no method .*: give an object, such"):
            TreeSearch(**{part: given})  # type: ignore[arg-type]
