from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import BudgetExhausted
from orchestrator import ToolError
from orchestrator.errors import ToolUnfinished
from orchestrator.journal import Begin, JournaledTools, RepeatedName, open_journal
from tests.orchestrator.journals import rows

pytestmark = pytest.mark.anyio

ARGUMENTS = {"to": "ada@example.org", "copies": 2}


class Mail:
    """A tool with a side effect."""

    def __init__(self, result: Any = None) -> None:
        self.sent = 0
        self.began = anyio.Event()
        self._result = result

    async def send(self) -> Any:
        self.sent += 1
        await anyio.lowlevel.checkpoint()
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    async def hang(self) -> Any:
        self.sent += 1
        self.began.set()
        await anyio.sleep_forever()


def begun(function: Callable[[], Awaitable[Any]]) -> Callable[[Begin], Awaitable[Any]]:
    """As a run calls it: it says that the tool begins, and lets it."""

    async def make(begin: Begin) -> Any:
        await begin()
        return await function()

    return make


async def call(
    path: Path,
    function: Callable[[], Awaitable[Any]],
    *,
    repeatable: bool,
    repeat: Collection[str] = (),
    arguments: dict[str, Any] = ARGUMENTS,
) -> Any:
    async with open_journal(path) as journal:
        tools = JournaledTools(journal, repeat=repeat)
        return await tools.call("7", "send", arguments, begun(function), repeatable=repeatable)


async def die_while_calling(path: Path, mail: Mail, *, repeatable: bool) -> None:
    async with open_journal(path) as journal, anyio.create_task_group() as group:

        async def hang() -> None:
            tools = JournaledTools(journal)
            await tools.call("7", "send", ARGUMENTS, begun(mail.hang), repeatable=repeatable)

        group.start_soon(hang)
        await mail.began.wait()
        # What a killed process would leave: its start, which was written before it began.
        assert rows(path, "tools") == (0 if repeatable else 1)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("repeatable", [False, True])
@pytest.mark.parametrize("result", [None, "sent", {"ids": [1, 2.5], "text": "é\ud800"}])
async def test_a_finished_call_is_not_made_again(
    tmp_path: Path, result: Any, repeatable: bool
) -> None:
    mail = Mail(result)
    for _ in range(2):
        assert await call(tmp_path / "j", mail.send, repeatable=repeatable) == result
    assert mail.sent == 1


async def test_other_arguments_are_another_call(tmp_path: Path) -> None:
    mail = Mail("sent")
    swapped = dict(reversed(ARGUMENTS.items()))
    for arguments in (ARGUMENTS, swapped, {**ARGUMENTS, "copies": 3}):
        await call(tmp_path / "j", mail.send, repeatable=True, arguments=arguments)
    assert mail.sent == 2


async def test_a_call_that_may_be_repeated_is(tmp_path: Path) -> None:
    mail = Mail("sent")
    await die_while_calling(tmp_path / "j", mail, repeatable=True)
    assert await call(tmp_path / "j", mail.send, repeatable=True) == "sent"
    assert mail.sent == 2


async def test_a_call_that_was_begun_and_may_not_be_repeated_is_reported(tmp_path: Path) -> None:
    path, mail = tmp_path / "j", Mail("sent")
    await die_while_calling(path, mail, repeatable=False)
    for _ in range(2):
        with pytest.raises(ToolUnfinished) as caught:
            await call(path, mail.send, repeatable=False, repeat={"8"})
        error = caught.value
        assert (error.node, error.tool, error.arguments) == ("7", "send", ARGUMENTS)
        assert "send was called with" in str(error)
        assert "--repeat 7" in str(error)
    assert mail.sent == 1
    assert await call(path, mail.send, repeatable=False, repeat={"7"}) == "sent"
    assert await call(path, mail.send, repeatable=False) == "sent"
    assert mail.sent == 2


async def test_a_failure_stays_where_another_try_could_do_harm(tmp_path: Path) -> None:
    path = tmp_path / "j"
    bad = Mail(ToolError("no such address"))
    for _ in range(2):
        with pytest.raises(ToolError, match="no such address"):
            await call(path, bad.send, repeatable=False)
    assert bad.sent == 1
    assert await call(path, Mail("sent").send, repeatable=False, repeat={"7"}) == "sent"


async def test_a_failure_is_tried_again_where_it_does_no_harm(tmp_path: Path) -> None:
    with pytest.raises(ToolError):
        await call(tmp_path / "j", Mail(ToolError("busy")).send, repeatable=True)
    assert await call(tmp_path / "j", Mail("sent").send, repeatable=True) == "sent"


async def test_two_calls_that_are_the_same_are_a_mistake(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "j") as journal:
        tools = JournaledTools(journal)
        await tools.call("7", "send", ARGUMENTS, begun(Mail("sent").send), repeatable=True)
        await tools.call("8", "send", ARGUMENTS, begun(Mail("sent").send), repeatable=True)
        with pytest.raises(RepeatedName, match="'7'"):
            await tools.call("7", "send", ARGUMENTS, begun(Mail("sent").send), repeatable=True)


async def test_a_call_that_was_refused_before_it_began_has_not_begun(tmp_path: Path) -> None:
    async def refused(begin: Begin) -> Any:
        raise BudgetExhausted("calls", 1, 1, "7")

    async with open_journal(tmp_path / "j") as journal:
        with pytest.raises(BudgetExhausted):
            await JournaledTools(journal).call("7", "send", ARGUMENTS, refused, repeatable=False)
    assert await call(tmp_path / "j", Mail("sent").send, repeatable=False) == "sent"
