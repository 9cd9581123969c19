"""Questions of real benchmarks with the plan that a good planner would write, for tools whose results are canned.

The questions are not in the project: they are read from a folder that has them (../shared/data in a clone). What is
measured is time, so the plans say what such a question takes: ParallelQA a search and a calculation for each of its
entities, HotpotQA a search for each of the two things that it compares, BFCL the calls of its ground truth.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[3] / "shared" / "data"
# Capitalised words in a row, such as "Mariana Trench", but not the first word of the question.
_NAME = re.compile(r"(?<=[a-z,'\"(] )(?:the )?((?:[A-Z][\w'.-]+)(?: (?:of |the )*[A-Z][\w'.-]+)*)")


@dataclass(frozen=True)
class Step:
    """A call that the question needs: `$1` in it stands for the result of the first step."""

    call: str
    tool: str
    needs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A question and the steps that it takes, at least `fan_out` of them side by side."""

    question: str
    steps: tuple[Step, ...]
    fan_out: int
    answer: str

    @property
    def plan(self) -> str:
        lines = [f"{number}. {step.call}\n" for number, step in enumerate(self.steps, start=1)]
        return "".join((*lines, "join()"))


def scenarios(name: str, most: int) -> list[Scenario]:
    """At most so many questions of one benchmark, spread over its file."""
    file, read = _BENCHMARKS[name]
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return [read(json.loads(line)) for line in lines[:: max(1, len(lines) // most)]][:most]


def _parallel_qa(row: dict[str, Any]) -> Scenario:
    width = row["branch"]
    names = list(_names(row["problem"], width))
    searches = [Step(f"search({json.dumps(name)})", "search") for name in names]
    sums = [
        Step(f'calculate("${{{number}}} * 1.1")', "calculate", (number,))
        for number in range(1, width + 1)
    ]
    return Scenario(row["problem"], (*searches, *sums), width, str(row["answer"]))


def _hotpot_qa(row: dict[str, Any]) -> Scenario:
    searches = [Step(f"search({json.dumps(name)})", "search") for name in _names(row["problem"], 2)]
    return Scenario(row["problem"], tuple(searches), 2, str(row["answer"]))


def _bfcl(row: dict[str, Any]) -> Scenario:
    steps = [
        Step(f"lookup({json.dumps(_escaped(call))})", "lookup")
        for call in map(json.dumps, row["answer"])
    ]
    return Scenario(row["problem"], tuple(steps), row["n_calls"], "done")


def _escaped(text: str) -> str:
    return text.replace("$", "$$")


def _names(question: str, count: int) -> Iterator[str]:
    """The things that a question is about; parts of it where too few have a name."""
    found = list(dict.fromkeys(_NAME.findall(question)))[:count]
    yield from found
    for number in range(len(found), count):
        yield f"part {number + 1} of the question"


_BENCHMARKS: dict[str, tuple[str, Callable[[dict[str, Any]], Scenario]]] = {
    "ParallelQA": ("llmcompiler_parallelqa.jsonl", _parallel_qa),
    "HotpotQA": ("llmcompiler_hotpotqa_comparison.jsonl", _hotpot_qa),
    "BFCL parallel": ("bfcl_parallel.jsonl", _bfcl),
    "BFCL parallel multiple": ("bfcl_parallel_multiple.jsonl", _bfcl),
}
NAMES = tuple(_BENCHMARKS)
