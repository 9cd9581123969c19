from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import BudgetExhausted, Notice, RetryPolicy, UsageError, join
from orchestrator import Budget, Tool, ToolError, ToolUnavailable, tool
from orchestrator.budget import Purse
from orchestrator.journal import JournaledTools, open_journal
from orchestrator.tools.definition import tools_by_name
from orchestrator.tools.memo import Memo
from orchestrator.tools.toolbox import Toolbox
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend


def virtually(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Runs a test under the virtual clock."""

    @wraps(test)
    def run() -> None:
        run_virtually(test)

    # pytest would take it for the coroutine inside.
    del run.__wrapped__
    return run


class Box:
    """A toolbox under test."""

    def __init__(
        self,
        *tools: Tool,
        budget: Budget | None = None,
        attempts: int = 3,
        journal: JournaledTools | None = None,
    ) -> None:
        self.notices: list[Notice] = []
        self.purse = Purse(budget, clock=lambda: 0.0)
        self.toolbox = Toolbox(
            tools_by_name(tools),
            retry=RetryPolicy(attempts=attempts),
            purse=self.purse,
            journal=journal,
            owner="run",
        )

    async def call(self, node: str, name: str, **arguments: Any) -> Any:
        account = self.purse.work.child(node)
        return await self.toolbox.call(node, account, name, arguments, self.notices.append)


@virtually
async def test_a_pure_tool_is_asked_once_for_the_same_arguments_also_at_the_same_time() -> None:
    asked: list[int] = []

    @tool(pure=True)
    async def square(n: int) -> int:
        asked.append(n)
        await anyio.sleep(1)
        return n * n

    box = Box(square)
    outcomes = await join([partial(box.call, str(i), "square", n=i % 2) for i in range(6)])
    assert [outcome.value for outcome in outcomes] == [0, 1, 0, 1, 0, 1]
    assert sorted(asked) == [0, 1]
    assert box.purse.run.spent.calls == 2


@virtually
async def test_another_tool_is_asked_each_time() -> None:
    asked: list[int] = []

    @tool
    async def draw(n: int) -> int:
        asked.append(n)
        return len(asked)

    box = Box(draw)
    assert [await box.call(str(i), "draw", n=7) for i in range(3)] == [1, 2, 3]


@virtually
async def test_a_tool_that_asks_for_it_is_called_again_and_others_are_not() -> None:
    calls: list[str] = []

    @tool
    async def busy() -> str:
        calls.append("busy")
        if len(calls) < 3:
            raise ToolUnavailable("too busy", retry_after=1)
        return "done"

    @tool
    async def broken() -> str:
        calls.append("broken")
        raise ValueError("no")

    box = Box(busy, broken)
    assert await box.call("1", "busy") == "done"
    assert [(notice.kind, notice.path, notice.reason) for notice in box.notices] == [
        ("retried", "1", "too busy"), ("retried", "1", "too busy"),
    ]  # fmt: skip
    with pytest.raises(ToolError, match="no"):
        await box.call("2", "broken")
    assert calls == ["busy"] * 3 + ["broken"]


def test_the_wait_that_a_tool_asks_for_is_kept() -> None:
    @tool
    async def busy() -> str:
        raise ToolUnavailable("too busy", retry_after=30)

    async def main() -> float:
        with pytest.raises(ToolUnavailable):
            await Box(busy, attempts=2).call("1", "busy")
        return anyio.current_time()

    assert 30 <= run_virtually(main) <= 31


def test_a_tool_s_limit_is_that_of_all_runs() -> None:
    running = most = 0

    @tool(limit=2)
    async def slow() -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(1)
        running -= 1
        return most

    async def main() -> float:
        boxes = [Box(slow), Box(slow)]
        await join([partial(boxes[i % 2].call, str(i), "slow") for i in range(8)])
        return anyio.current_time()

    assert run_virtually(main) == 4
    assert most == 2
    with pytest.raises(UsageError, match="a limit of 0"):
        tool(limit=0)(slow.function)


@virtually
async def test_a_budget_of_calls_counts_every_try_of_a_tool() -> None:
    @tool
    async def busy() -> str:
        raise ToolUnavailable("too busy")

    box = Box(busy, budget=Budget(calls=2, final_share=0), attempts=5)
    with pytest.raises(BudgetExhausted, match="2 of 2 calls"):
        await box.call("1", "busy")


@pytest.mark.anyio
async def test_a_journal_answers_the_second_time(tmp_path: Path) -> None:
    asked: list[str] = []

    @tool
    async def look_up(word: str) -> str:
        asked.append(word)
        return word.upper()

    @tool(pure=True)
    async def spell(word: str) -> list[str]:
        asked.append(word)
        return list(word)

    for _ in range(2):
        async with open_journal(tmp_path / "journal.sqlite") as journal:
            box = Box(look_up, spell, journal=JournaledTools(journal))
            assert await box.call("1", "look_up", word="a") == "A"
            # Another node asks first in the second run, and finds what the first one got.
            assert await box.call(str(len(asked)), "spell", word="ab") == ["a", "b"]
    assert asked == ["a", "ab"]


@virtually
async def test_who_waits_for_an_answer_that_does_not_come_asks_for_itself() -> None:
    memo = Memo()
    asked: list[str] = []

    async def ask(name: str) -> str:
        asked.append(name)
        await anyio.sleep(1)
        if name == "first":
            raise ToolError("lost")
        return name

    outcomes = await join([partial(memo.get, 1, partial(ask, n)) for n in ("first", "second")])
    assert [outcome.value for outcome in outcomes] in ([None, "second"], ["second", "second"])
    assert await memo.get(1, partial(ask, "third")) == "second"


@virtually
async def test_who_is_cancelled_leaves_the_others_to_ask() -> None:
    memo = Memo()
    answers: list[str] = []

    async def ask() -> str:
        await anyio.sleep(10)
        return "answer"

    async def wait() -> None:
        answers.append(await memo.get("key", ask))

    async with anyio.create_task_group() as others, anyio.create_task_group() as first:
        first.start_soon(memo.get, "key", ask)
        await anyio.wait_all_tasks_blocked()
        others.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        first.cancel_scope.cancel()
    assert answers == ["answer"]
