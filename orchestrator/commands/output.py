"""What commands print on standard output: answers and data. Everything else goes to standard error."""

from __future__ import annotations

import json
import sys

from ..run_result import RunResult
from ..runs.words import printable


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
        f"{remark}"
        f"tokens         {least}{usage.prompt_tokens:,} prompt ({cached} cached), "
        f"{usage.generated_tokens:,} generated\n"
        f"critical path  {result.critical_path:,} tokens\n"
        f"wall time      {result.seconds:.1f} s\n"
        f"run folder     {result.folder}"
    )
