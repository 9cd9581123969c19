"""What commands print on standard output: answers and data. Everything else goes to standard error."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping

from engines import Outcome
from reasoning import Answer, Branch
from reasoning.thread_tree import draw_threads

from ..node_runner import Result
from ..run_result import RunResult
from ..runs.text_table import cut
from ..runs.words import printable

NO_TERMINAL = (160, 24)
_MOST_THREADS = 12


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
    remark = f"remark         {printable(result.remark)}\n" if result.remark else ""
    write(
        f"{printable(result.answer.final)}\n\n"
        f"{drawn_threads({node.id: result.outcomes[node.id] for node in result.plan.nodes})}"
        f"{remark}"
        f"tokens         {least}{usage.prompt_tokens:,} prompt ({cached} cached), "
        f"{usage.generated_tokens:,} generated\n"
        f"critical path  {result.critical_path:,} tokens, parallel ratio {result.parallel_ratio:.1f}\n"
        f"wall time      {result.seconds:.1f} s\n"
        f"run folder     {result.folder}"
    )


def drawn_threads(outcomes: Mapping[str, Outcome[Result]]) -> str:
    """The nodes that forked with their threads, as far as they fit; empty where none did."""
    forked = [
        Branch(path=f"node {name}", status=outcome.status, answer=outcome.value.answer)
        for name, outcome in outcomes.items()
        if outcome.value and outcome.value.answer.branches
    ]
    tree = draw_threads(
        Answer(text="", branches=tuple(forked)), most=_MOST_THREADS, width=sys.maxsize
    )
    columns = shutil.get_terminal_size(NO_TERMINAL).columns
    return "".join(f"{cut(line, columns)}\n" for line in tree.splitlines()) + "\n" * bool(tree)
