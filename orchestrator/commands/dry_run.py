"""What a run would do, without an engine: the settings and the first prompt."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from engines import EngineError, FakeEngine, ForkjoinError, Segment

from ..agent import Agent
from ..runs.words import printable
from .options import agent_options
from .output import write
from .tool_sources import opened_servers


async def dry_run(arguments: argparse.Namespace) -> None:
    """Prints what would run; calls neither an engine nor a tool."""
    async with opened_servers(arguments.mcp) as served:
        options = agent_options(arguments, served)
    options["tools"] = [replace(tool, function=_not_called) for tool in options["tools"]]
    # The first call shows its prompt, and its failure ends the run.
    engine = FakeEngine(lambda context, sampling: EngineError("a dry run ends here"))
    with suppress(ForkjoinError):
        await Agent(engine, **options).run(arguments.question)
    turns = engine.calls[0].context.turns if engine.calls else ()
    shown: dict[str, Any] = {
        "question": arguments.question,
        "planner": arguments.plan or arguments.planner,
        "method": arguments.method,
        "reducer": arguments.reducer,
        "settings": arguments.set,
        "engine": arguments.engine,
        "model": arguments.model,
        "max_tokens": arguments.max_tokens,
        "seed": arguments.seed,
        "budget": arguments.budget,
        "tools": [tool.specification.signature for tool in options["tools"]],
        "first_prompt": [{"role": turn.role, "text": turn.text} for turn in turns],
    }
    if arguments.json:
        write(json.dumps(shown, ensure_ascii=False))
        return
    shown.pop("first_prompt")
    write_shown(shown)
    write_prompt(turns, otherwise="the plan begins with calls only")


def write_shown(shown: Mapping[str, Any]) -> None:
    """Writes settings, one a line."""
    for name, value in shown.items():
        listed = ", ".join(value) if isinstance(value, list) else value
        write(f"{name:<12} {'-' if listed in (None, '') else printable(str(listed))}")


def write_prompt(turns: Sequence[Segment], *, otherwise: str) -> None:
    """Writes the first prompt, or why there is none."""
    write("\nfirst prompt" if turns else f"\nno prompt: {otherwise}")
    for turn in turns:
        write(f"<{turn.role}>\n{printable(turn.text)}")


def _not_called(**arguments: Any) -> None:
    raise RuntimeError("a dry run calls no tools")
