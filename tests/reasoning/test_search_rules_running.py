"""Rules in a search over an engine: it ends, keeps its limits, and MCTS comes back to what was passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import anyio
import pytest

from engines import Context, EngineDead, FakeEngine, Sampling, converse
from reasoning import Answer, Branch
from reasoning.scoring.check import Check
from reasoning.searching.rules.mcts import Mcts
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.tree_search import TreeSearch

from ..backends import run_virtually
from .search_trees import RULES


def _depth(context: Context) -> int:
    return context.path.count("step-")


async def _search(search: TreeSearch, engine: FakeEngine) -> Answer:
    question = await converse(engine, [("user", "How many?")])
    return await search.solve(question, engine)


def _steps(branches: Sequence[Branch], depth: int = 1) -> list[tuple[int, int]]:
    """The depth of each step, and how many children it has."""
    found = []
    for branch in branches:
        below = branch.answer.branches if branch.answer else ()
        found += [(depth, len(below)), *_steps(below, depth + 1)]
    return found


async def _holds_its_account(answer: Answer, engine: FakeEngine) -> None:
    statistics = await engine.statistics()
    assert statistics.running == 0
    assert answer.usage.prompt_tokens == statistics.prompt_tokens
    assert answer.usage.generated_tokens == statistics.generated_tokens
    assert 0 < answer.critical_path <= answer.usage.generated_tokens


@pytest.mark.parametrize("policy", ["uct", "puct"])
@pytest.mark.anyio
async def test_steps_that_never_come_to_an_answer_end_with_the_simulations(policy: str) -> None:
    engine = FakeEngine(lambda context, sampling: f"step {_depth(context)}\n\nmore")
    rule = Mcts(policy=policy, simulations=20)  # type: ignore[arg-type]  # one of them
    scorer = Check(check=lambda answer: 0.5)
    answer = await _search(TreeSearch(rule=rule, scorer=scorer, width=4, max_depth=99), engine)
    assert len(engine.calls) == 20
    assert answer.truncated
    await _holds_its_account(answer, engine)


@pytest.mark.anyio
async def test_a_full_tree_ends_the_search() -> None:
    engine = FakeEngine(lambda context, sampling: "step\n\n")
    search = TreeSearch(
        rule=Mcts(max_children=2, simulations=999),
        scorer=Check(check=lambda answer: 0.5),
        width=50,
        max_depth=3,
    )
    answer = await _search(search, engine)
    assert Counter(_steps(answer.branches)) == {(1, 2): 2, (2, 2): 4, (3, 0): 8}
    await _holds_its_account(answer, engine)


@pytest.mark.anyio
async def test_it_finds_an_answer_beyond_a_step_that_looked_worse() -> None:
    """The first thought looks good and leads nowhere; the answer is below the second."""

    def script(context: Context, sampling: Sampling) -> str:
        first = "step-1" in context.path.split("/")[-_depth(context)]
        return "So it is \\boxed{7}." if first and _depth(context) == 3 else f"{first}\n\n"

    def check(answer: Answer) -> float:
        steps = answer.text.split("\n\n")
        return {1: 0.9, 0: 0.6}["False" in steps] if len(steps) == 2 else float("True" in steps)

    engine = FakeEngine(script)
    search = TreeSearch(
        rule=Mcts(max_children=2, simulations=40), scorer=Check(check=check), width=1
    )
    answer = await _search(search, engine)
    assert answer.value == "7"
    await _holds_its_account(answer, engine)


@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_late_steps_count_against_the_limits(fraction: float) -> None:
    async def main() -> None:
        async def script(context: Context, sampling: Sampling) -> str:
            await anyio.sleep(10 if context.path.endswith("0") else 1)
            return "step\n\n"

        engine = FakeEngine(script)
        rule: SelectionRule = Mcts(max_children=2, simulations=25)
        search = TreeSearch(
            rule=rule,
            scorer=Check(check=lambda answer: len(answer.text)),
            width=5,
            max_depth=9,
            fraction=fraction,
        )
        answer = await _search(search, engine)
        assert len(engine.calls) <= 25
        assert max(children for _, children in _steps(answer.branches)) <= 2
        await _holds_its_account(answer, engine)

    run_virtually(main)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_no_rule_gives_more_than_there_may_be_where_steps_are_late(rule: SelectionRule) -> None:
    """A search refuses a rule that does."""

    async def main() -> None:
        async def script(context: Context, sampling: Sampling) -> str:
            number = sum(map(ord, context.path))
            await anyio.sleep(number % 7)
            if number % 11 == 0:
                raise EngineDead("gone")
            return "It is \\boxed{7}." if number % 5 == 0 else "step\n\n"

        engine = FakeEngine(script)
        search = TreeSearch(
            rule=rule,
            scorer=Check(check=lambda answer: len(answer.text) % 10 / 10),
            width=13,
            max_depth=6,
            fraction=0.3,
        )
        await _holds_its_account(await _search(search, engine), engine)

    run_virtually(main)
