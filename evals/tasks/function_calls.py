"""Functions to call, several at a time: the parallel part of the Berkeley Function-Calling Leaderboard.

A row has the calls that are right, each argument with all values that it may have, or as they are written:

    [{"play": {"artist": ["Muse"], "minutes": [20, ""]}}]        ["play(artist='Muse')"]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..grading.calls_grader import CallsGrader
from ..problem import Problem
from ..task import Dataset, Task
from .columns import Row, first_of, own_name, text_of
from .prompts import CALLS


def _asked(problem: Problem) -> str:
    functions = "\n".join(json.dumps(function) for function in problem.data["functions"])
    return CALLS.replace("{functions}", functions).replace("{problem}", problem.problem)


def _read(row: Row, number: int) -> Problem:
    calls = _listed(row, ("answer", "ground_truth"))
    name = own_name(row) or f"parallel_{number}"
    return Problem(
        # The dataset says `parallel_0`.
        id=name if "answer" in row else f"bfcl-{name}",
        problem=_question(row),
        answer=f"[{', '.join(map(_written, calls))}]",
        data={"functions": _listed(row, ("functions", "function")), "calls": calls},
    )


def _listed(row: Row, names: tuple[str, ...]) -> list[Any]:
    found = first_of(row, names)
    if found is None:
        raise KeyError(names[0])
    if not isinstance(found, list) or not found:
        raise ValueError(f"{names[0]}: is no list, or an empty one")
    return found


def _question(row: Row) -> str:
    """A file has it as text, the dataset as turns of a conversation, of which there is one."""
    found = first_of(row, ("problem", "question"))
    if not isinstance(found, list):
        return text_of(row, ("problem", "question"))
    try:
        turns = [message["content"] for turn in found for message in turn]
    except (KeyError, TypeError):
        raise ValueError("question: has no turns with content") from None
    return "\n\n".join(turns).strip()


def _written(call: Any) -> str:
    """A right call as it may be written, with the first value of each argument, without those that may be left out."""
    if isinstance(call, str):
        return call
    if not isinstance(call, Mapping) or len(call) != 1:
        raise ValueError(f"answer: {json.dumps(call, default=str)[:60]} is no call")
    ((name, arguments),) = call.items()
    if not isinstance(arguments, Mapping) or not all(
        isinstance(values, list) and values for values in arguments.values()
    ):
        raise ValueError(f"answer: the call of {name} has no list of values for each argument")
    written = [f"{key}={value!r}" for key, value in _firsts(arguments).items()]
    return f"{name}({', '.join(written)})"


def _firsts(accepted: Mapping[str, Any]) -> dict[str, Any]:
    """The first value of each argument or field, without those that may be left out."""
    return {
        key: _first(values[0]) for key, values in accepted.items() if values and "" not in values
    }


def _first(value: Any) -> Any:
    """A value that is accepted, where objects in it have lists of values for their fields, too."""
    if isinstance(value, Mapping):
        return _firsts({key: one if isinstance(one, list) else [one] for key, one in value.items()})
    return [_first(one) for one in value] if isinstance(value, list) else value


BFCL_PARALLEL = Task(
    name="bfcl_parallel",
    about="Berkeley Function-Calling Leaderboard v3, parallel: 200 questions, several calls each",
    grader=CallsGrader,
    prompt=_asked,
    # Its functions differ too much for the columns of one table.
    dataset=Dataset(
        id="gorilla-llm/Berkeley-Function-Calling-Leaderboard",
        revision="61fc0608cfd831fcfbbaa676ebdfef0ed963eeda",
        files=("BFCL_v3_parallel.json", "possible_answer/BFCL_v3_parallel.json"),
    ),
    read=_read,
)
"""Calls that do not wait for each other."""
