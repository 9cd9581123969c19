"""Whether calls are the expected ones, by the rules of the Berkeley Function-Calling Leaderboard's AST match. Pure.

    expected  [{"play": {"artist": ["Muse"], "minutes": [20, ""]}}]        each argument with the values it may have
    calls     [("play", {"artist": "muse"})]                               "" may be left out

The order of calls does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Expected = Mapping[str, Mapping[str, Sequence[Any]]]

_IGNORED = str.maketrans("", "", " ,./-_*^'\"")


class WrittenCall(NamedTuple):
    """A call as somebody wrote it."""

    name: str
    arguments: Mapping[str, Any]


def matches(calls: Sequence[WrittenCall], expected: Sequence[Expected]) -> bool:
    """Whether the calls are the expected ones, each once.

    >>> matches([WrittenCall("f", {"a": 1})], [{"f": {"a": [1, 2], "b": ["x", ""]}}])
    True
    """
    fitting = [[i for i, one in enumerate(expected) if accepts(one, call)] for call in calls]
    return len(calls) == len(expected) and _assigned(fitting)


def accepts(expected: Expected, call: WrittenCall) -> bool:
    """Whether a call is this expected one."""
    [(name, accepted)] = expected.items()
    return call.name == name and _all_accepted(call.arguments, accepted)


def _assigned(fitting: Sequence[Sequence[int]]) -> bool:
    """Whether each call can have an expected one of its own: where one fits several, the first need not be it."""
    taken: dict[int, int] = {}

    def place(call: int, tried: set[int]) -> bool:
        for one in fitting[call]:
            if one in tried:
                continue
            tried.add(one)
            # Its call moves, if it can.
            if one not in taken or place(taken[one], tried):
                taken[one] = call
                return True
        return False

    return all(place(call, set()) for call in range(len(fitting)))


def _all_accepted(given: Mapping[str, Any], accepted: Mapping[str, Any]) -> bool:
    if not given.keys() <= accepted.keys():
        return False
    return all(
        _accepted(given[key], values) if key in given else _optional(values)
        for key, values in accepted.items()
    )


def _optional(values: Any) -> bool:
    return isinstance(values, list) and "" in values


def _accepted(value: Any, values: Any) -> bool:
    return any(_is(value, one) for one in (values if isinstance(values, list) else [values]))


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        # Its fields have lists of accepted values, as the arguments do.
        return isinstance(value, Mapping) and _all_accepted(value, wanted)
    if isinstance(wanted, list):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(wanted)
            and all(map(_is, value, wanted))
        )
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold().translate(_IGNORED) == wanted.casefold().translate(_IGNORED)
    # For Python, True is 1.
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)
