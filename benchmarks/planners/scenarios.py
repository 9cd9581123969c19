"""Questions of real benchmarks with the plan that a good planner would write, for tools whose results are canned.

The questions are not in the project: they are read from a folder that has them (../shared/data in a clone, or $DATA).
What is measured is time, so the plans say what such a question takes: ParallelQA a search and a calculation for each
of its entities, HotpotQA a search for each of the two things that it compares, BFCL the calls of its ground truth.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.planners.bfcl import Row, row_of
from planners import (
    Call,
    PlanChecker,
    PlanError,
    PlanParser,
    ToolSpecification,
    Vocabulary,
    plan_text,
)

DATA = Path(os.environ.get("DATA") or Path(__file__).parents[3] / "shared" / "data")

# Capitalised words in a row, such as "Mariana Trench", but not the first word of the question.
_NAME = re.compile(r"(?<=[a-z,'\"(] )(?:the )?((?:[A-Z][\w'.-]+)(?: (?:of |the )*[A-Z][\w'.-]+)*)")


def _takes_text(name: str, parameter: str) -> ToolSpecification:
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}}
    return ToolSpecification(name=name, parameters={**schema, "required": [parameter]}, pure=True)


_QUESTION_TOOLS = (_takes_text("search", "query"), _takes_text("calculate", "expression"))


@dataclass(frozen=True)
class Scenario:
    """A question, its tools and the plan that answers it, of which `fan_out` calls run side by side at least."""

    question: str
    tools: Sequence[ToolSpecification]
    plan: str
    fan_out: int
    answer: str

    @property
    def fits(self) -> bool:
        """Whether its tools take the calls: those of two of BFCL's answers do not."""
        tools = {one.name: one for one in self.tools}
        checker = PlanChecker(Vocabulary(tools=tools, methods=(), reducers=()))
        try:
            for step in self.steps:
                checker.check(step)
        except PlanError:
            return False
        return True

    @property
    def steps(self) -> Sequence[Call]:
        parser = PlanParser({one.name: one for one in self.tools})
        return [node for node in parser.feed(self.plan) if isinstance(node, Call)]

    @property
    def lines(self) -> Sequence[str]:
        return self.plan.splitlines()[:-1]

    @property
    def beginnings(self) -> Sequence[str]:
        """The plan up to the end of each step's line."""
        return list(accumulate(f"{line}\n" for line in self.lines))


def scenarios(name: str, most: int) -> list[Scenario]:
    """At most so many questions of one benchmark, spread over its file."""
    lines = (DATA / _FILES[name]).read_text(encoding="utf-8").splitlines()
    chosen = lines[:: max(1, len(lines) // most)][:most]
    found = [_scenario(name, json.loads(line)) for line in chosen]
    return [scenario for scenario in found if scenario.fits]


def rows(file: str, most: int) -> list[Row]:
    """The first rows of a file of the leaderboard's."""
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return [row_of(json.loads(line)) for line in lines[:most]]


def searching(question: str, names: Iterable[str], answer: str, *, calculates: bool) -> Scenario:
    """A question that takes a search for each of these names, and perhaps a calculation with what each finds."""
    calls = [f"search({json.dumps(name)})" for name in names]
    width = len(calls)
    if calculates:
        calls += [f'calculate("${{{number}}} * 1.1")' for number in range(1, width + 1)]
    lines = [f"{number}. {call}\n" for number, call in enumerate(calls, start=1)]
    plan = "".join([*lines, "join()"])
    return Scenario(question, _QUESTION_TOOLS, plan, width, answer)


def _scenario(name: str, row: dict[str, Any]) -> Scenario:
    if name.startswith("BFCL"):
        return _bfcl(row)
    names = _names(row["problem"], row.get("branch", 2))
    return searching(row["problem"], names, str(row["answer"]), calculates=name == "ParallelQA")


def _bfcl(row: dict[str, Any]) -> Scenario:
    asked = row_of(row)
    tools = [one.model_copy(update={"pure": True}) for one in asked.tools.values()]
    nodes = [
        Call(id=str(number), tool=name, arguments=_arguments(accepted, asked.tools[name]))
        for number, expected in enumerate(asked.expected, start=1)
        for name, accepted in expected.items()
    ]
    # Tools are taken for pure, so that what is asked for twice is called once.
    width = len({plan_text([node.model_copy(update={"id": "1"})]) for node in nodes})
    return Scenario(asked.question, tools, f"{plan_text(nodes)}join()", width, "done")


def _arguments(accepted: Mapping[str, Any], tool: ToolSpecification) -> dict[str, Any]:
    # Some rows accept arguments that their tools do not have.
    known = {name: values for name, values in accepted.items() if name in tool.properties}
    return _first_accepted(known)


def _first_accepted(accepted: dict[str, Any]) -> dict[str, Any]:
    """The first value that is accepted of each, also inside of objects, which hold lists of such values."""
    chosen = {name: values[0] for name, values in accepted.items() if values[0] != ""}
    return {
        name: _first_accepted(value) if isinstance(value, dict) else value
        for name, value in chosen.items()
    }


def _names(question: str, count: int) -> Iterator[str]:
    """The things that a question is about; parts of it where too few have a name."""
    found = list(dict.fromkeys(_NAME.findall(question)))[:count]
    yield from found
    for number in range(len(found), count):
        yield f"part {number + 1} of the question"


_FILES = {
    "ParallelQA": "llmcompiler_parallelqa.jsonl",
    "HotpotQA": "llmcompiler_hotpotqa_comparison.jsonl",
    "BFCL parallel": "bfcl_parallel.jsonl",
    "BFCL parallel multiple": "bfcl_parallel_multiple.jsonl",
}
NAMES = tuple(_FILES)
