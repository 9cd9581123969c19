from __future__ import annotations

import anyio
import pytest

from engines.remote.shared_answers import SharedAnswers

pytestmark = pytest.mark.anyio


async def test_who_asks_the_same_meanwhile_waits_for_that_answer() -> None:
    asked: list[str] = []

    async def ask(text: str) -> str:
        asked.append(text)
        await anyio.sleep(0.01)
        return text.upper()

    answers = SharedAnswers(ask)
    found: list[str] = []

    async def get(text: str) -> None:
        found.append(await answers.get(text))

    async with anyio.create_task_group() as group:
        for text in "aaba":
            group.start_soon(get, text)
    assert (sorted(asked), sorted(found)) == (["a", "b"], ["A", "A", "A", "B"])


async def test_the_first_answer_makes_room_for_another() -> None:
    asked: list[str] = []

    async def ask(text: str) -> str:
        asked.append(text)
        return text.upper()

    answers = SharedAnswers(ask, most=2)
    for text in "abcbca":
        assert await answers.get(text) == text.upper()
    assert asked == ["a", "b", "c", "a"]


async def test_what_failed_or_was_cancelled_is_asked_again_by_who_waits() -> None:
    tries: list[int] = []

    async def ask(text: str) -> str:
        tries.append(1)
        if len(tries) == 1:
            await anyio.sleep_forever()
        if len(tries) == 2:
            raise ValueError("no")
        return text

    answers = SharedAnswers(ask)
    found: list[str] = []

    async def get() -> None:
        found.append(await answers.get("a"))

    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def cancelled() -> None:
            with scope:
                await answers.get("a")

        async def failing() -> None:
            with pytest.raises(ValueError, match="no"):
                await answers.get("a")

        for task in (cancelled, failing, get):
            group.start_soon(task)
            await anyio.wait_all_tasks_blocked()
        scope.cancel()
    assert (found, len(tries)) == (["a"], 3)
