"""What commands print on standard output: answers and data. Everything else goes to standard error."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engines import ForkjoinError, Outcome, Usage
from reasoning import Answer, Branch
from reasoning.thread_tree import draw_threads

from ..errors import JournalError, OutputFailed, RunFailed, RunFolderError
from ..events import Event, RunFinished, RunStarted
from ..node_runner import Result
from ..run_result import RunResult
from ..runs.text_table import cut
from ..runs.words import printable

NO_TERMINAL = (160, 24)
_FEWEST_THREADS = 12
# Around the threads there are the answer and what it cost.
_OTHER_LINES = 10
# As an answer says it that was cut, and `BudgetExhausted`.
_OUT_OF = re.compile(r"the budget's (\w+) cut it|budget exhausted: \S+ of \S+ (\w+) used")


def write(text: str) -> None:
    """Writes to the real standard output, which tools do not get."""
    assert sys.__stdout__ is not None
    sys.__stdout__.write(f"{text}\n")
    sys.__stdout__.flush()


def write_result(result: RunResult, *, as_json: bool) -> None:
    """The answer with what it cost."""
    if as_json:
        write(json.dumps(result.to_data(), ensure_ascii=False))
        return
    usage = result.usage
    least = "at least " if usage.lower_bound else ""
    cached = "unknown" if usage.cached_tokens is None else f"{usage.cached_tokens:,}"
    nodes = {node.id: result.outcomes[node.id] for node in result.plan.nodes}
    remark = f"remark         {printable(result.remark)}\n" if result.remark else ""
    write(
        f"{printable(result.answer.final)}\n\n"
        f"{drawn_threads(nodes, told=result.remark, rest='--json tells of all')}"
        f"{remark}"
        f"tokens         {least}{usage.prompt_tokens:,} prompt ({cached} cached), "
        f"{usage.generated_tokens:,} generated\n"
        f"critical path  {result.critical_path:,} tokens, parallel ratio {result.parallel_ratio:.1f}\n"
        f"wall time      {result.seconds:.1f} s\n"
        f"run folder     {result.folder}{_with_more(result)}"
    )


def _with_more(result: RunResult) -> str:
    """A line that says how a run goes on whose budget ended before it; empty where none did."""
    reasons = [result.remark, *(outcome.reason for outcome in result.outcomes.values())]
    found = _OUT_OF.search("\n".join(reasons))
    if found is None:
        return ""
    return f"\ngo on with     forkjoin resume {result.folder} --budget {found[1] or found[2]}=N"


@dataclass
class KnownOfRun:
    """What is known of a run that may fail, by its events.

    Attributes:
        runs: Where run folders are.
        folder: The run's; None before it began, or if it leaves none.
        usage: What it took; None before it ended.
        told: Whether its result is written, so that nothing more may be.
    """

    runs: Path
    folder: Path | None = field(default=None, init=False)
    usage: Usage | None = field(default=None, init=False)
    told: bool = field(default=False, init=False)

    def hear(self, event: Event) -> None:
        """Takes the next event."""
        if isinstance(event, RunStarted) and event.name:
            self.folder = self.runs / event.name
        elif isinstance(event, RunFinished):
            self.usage = event.usage


def write_failure(error: ForkjoinError, known: KnownOfRun) -> None:
    """A run that failed, as one JSON object: the error, and the result or else what is known."""
    # In one line, as on stderr.
    data: dict[str, Any] = {"error": " ".join(str(error).split())}
    kinds = OutputFailed | JournalError | RunFolderError
    if isinstance(error, kinds) and error.result is not None:
        data |= error.result.to_data()
    else:
        data |= {
            "usage": None if known.usage is None else known.usage.model_dump(),
            "nodes": _ends(error.outcomes) if isinstance(error, RunFailed) else [],
            "folder": None if known.folder is None else str(known.folder),
        }
    write(json.dumps(data, ensure_ascii=False))


def _ends(outcomes: Mapping[str, Outcome[Result]]) -> list[dict[str, str]]:
    return [
        {"id": name, "status": outcome.status, "reason": outcome.reason}
        for name, outcome in outcomes.items()
    ]


def drawn_threads(
    outcomes: Mapping[str, Outcome[Result]], *, told: str = "", rest: str = ""
) -> str:
    """The nodes that forked with their threads, as far as they fit; empty where none did.

    Args:
        outcomes: What became of nodes.
        told: The remark that stands beside it, which is not told twice.
        rest: How to see what did not fit.
    """
    forked = [
        Branch(
            path=f"node {name}", status=outcome.status, answer=_without(told, outcome.value.answer)
        )
        for name, outcome in outcomes.items()
        if outcome.value and outcome.value.answer.branches
    ]
    columns, lines = shutil.get_terminal_size(NO_TERMINAL)
    tree = draw_threads(
        Answer(text="", branches=tuple(forked)),
        most=max(_FEWEST_THREADS, lines - _OTHER_LINES),
        width=columns,
        rest=rest,
    )
    return "".join(f"{cut(line, columns)}\n" for line in tree.splitlines()) + "\n" * bool(tree)


def _without(told: str, answer: Answer) -> Answer:
    """The answer without what was told of it."""
    return replace(
        answer,
        truncated=answer.truncated and answer.cut_by not in told,
        remark="" if answer.remark in told else answer.remark,
    )
