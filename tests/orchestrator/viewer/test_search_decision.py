from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from engines import EngineWrapper, FakeEngine, converse
from orchestrator.viewer.picture.search_decision import selection_of
from reasoning import thread_data
from tests.backends import run_virtually
from tests.orchestrator.viewer.viewed_runs import search, step

T = TypeVar("T")


class Deciding(EngineWrapper):
    """Keeps decisions, or gives those that were kept, as a journal does."""

    def __init__(self, kept: dict[str, Any]) -> None:
        super().__init__(FakeEngine(step, seconds_per_token=0.01))
        self.kept = dict(kept)

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        if path not in self.kept:
            self.kept[path] = await choose()
        value: T = self.kept[path]
        return value


def searched(kept: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What a search came to, and what it decided."""
    engine = Deciding(kept)

    async def main() -> Any:
        context = await converse(engine, [("user", "How much?")], name="root")
        return thread_data(await search().solve(context, engine))

    return run_virtually(main), engine.kept


def told(threads: Any) -> list[Any]:
    """What became of the threads of a search."""
    names = ("path", "status", "score", "chosen", "answer")
    return [[*(t[name] for name in names), told(t["threads"])] for t in threads]


def test_a_decision_of_a_search_says_what_it_chose_from() -> None:
    threads, kept = searched({})
    selections = [selection_of(path, value) for path, value in kept.items()]
    first, second, *_ = selections
    assert first is not None
    assert second is not None
    assert first.chosen == {"root": 6}
    assert dict(second.leaves or {}) == {thread["path"]: thread["score"] for thread in threads}
    assert second.chosen.keys() < (second.leaves or {}).keys()


def test_a_journal_of_an_older_version_is_still_followed() -> None:
    threads, kept = searched({})
    older = {path: value[:2] for path, value in kept.items() if "#select-" in path}
    again, _ = searched({**kept, **older})
    assert told(again) == told(threads)
    read = [selection_of(path, value) for path, value in older.items()]
    assert all(selection is not None and selection.leaves is None for selection in read)


def test_each_leaf_that_did_not_go_on_is_told_why() -> None:
    value = [[["0/1", 2]], "", [["0/1", 0.75], ["0/2", 0.5], ["3", None]]]
    selection = selection_of("root/1#select-4", value)
    assert selection is not None
    assert selection.wave == 4
    assert [
        (verdict.path, verdict.went_on, verdict.reason) for verdict in selection.verdicts()
    ] == [
        ("root/1/step-0/step-1", True, ""),
        ("root/1/step-0/step-2", False, "passed over: 1 of 3 went on, the least with 0.75"),
        ("root/1/step-3", False, "passed over: 1 of 3 went on, the least with 0.75"),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("root/1#join", [[], ""]),
        ("root/1#select-x", [[], ""]),
        ("root/1#select-1", None),
        ("root/1#select-1", [[["0", "many"]], ""]),
        ("root/1#select-1", {"a": 1}),
        ("root/1#select-1", [[[7, 2]], ""]),
        ("root/1#select-1", [[["0", math.inf]], ""]),
    ],
)
def test_anything_else_is_no_selection(path: str, value: Any) -> None:
    assert selection_of(path, value) is None


def test_a_score_that_is_no_number_is_not_known() -> None:
    leaves = [["0", math.nan], ["1", "high"], ["2", -math.inf], ["3", 1]]
    selection = selection_of("root#select-1", [[["0", 2], ["1", 1]], "", leaves])
    assert selection is not None
    assert [verdict.score for verdict in selection.verdicts()] == [None, None, None, 1.0]
    json.dumps(selection.data(), allow_nan=False)


def test_what_went_on_from_an_earlier_wave_is_not_among_its_leaves() -> None:
    selection = selection_of("root#select-2", [[["0", 2], ["1/0", 1]], "", [["1/1", 0.5]]])
    assert selection is not None
    told = [(verdict.path, verdict.reason) for verdict in selection.verdicts()]
    assert told[-1] == ("root/step-1/step-1", "passed over: 0 of 1 went on")
