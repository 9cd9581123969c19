"""What `forkjoin eval` would measure, without an engine: tasks, samples, systems, and the first prompt of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engines import CallLimiter, EngineError, FakeEngine, ForkjoinError, RetryPolicy, Segment
from orchestrator import CallPolicy
from orchestrator.commands.dry_run import write_prompt, write_shown
from orchestrator.commands.output import write
from orchestrator.journal import open_journal
from orchestrator.runs.words import printable

from ..evaluation.display import Display
from ..evaluation.folder import SampleFile
from ..evaluation.jobs import jobs
from ..evaluation.runner import Runner
from ..evaluation.settings import EvaluationSettings
from .evaluate_options import Order
from .evaluate_run import Prepared, prepare


async def dry_run(orders: Sequence[Order], as_json: bool) -> None:
    """Prints what would be measured; calls neither an engine nor a tool."""
    with Display() as display:
        for one in await prepare(orders, display):
            shown = _shown(one)
            turns = await _first_prompt(one.settings)
            if as_json:
                prompt = [{"role": turn.role, "text": turn.text} for turn in turns]
                write(json.dumps({**shown, "first_prompt": prompt}, ensure_ascii=False))
                continue
            write_shown({name: value and _words(value) for name, value in shown.items()})
            write_prompt(turns, otherwise="the plan begins with calls only")
            write("")


def _shown(one: Prepared) -> dict[str, Any]:
    settings, options = one.settings, one.order.options
    return {
        "system": settings.name,
        "tasks": {name: len(several) for name, several in settings.problems.items()},
        "problems": dict(settings.sources),
        "samples": settings.total,
        "k": settings.k,
        "method": settings.system.described["method"],
        "planner": settings.system.described.get("planner"),
        "tools": settings.system.described.get("tools"),
        "engine": options.engine,
        "model": options.model,
        "max_tokens": options.max_tokens,
        "seed": options.seed,
        "budget": options.budget,
        "judge": options.judge,
        "judge_model": one.judged_by[1],
    }


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_words(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return printable(str(value))


async def _first_prompt(settings: EvaluationSettings) -> Sequence[Segment]:
    """What the first call of the first sample would be asked: the call shows it, and its failure ends the sample."""
    engine = FakeEngine(lambda context, sampling: EngineError("a dry run ends here"))
    first = [job for job, _ in zip(jobs(settings.tasks, settings.problems, 1), [0], strict=False)]
    with TemporaryDirectory(prefix="forkjoin-") as folder:
        path = Path(folder)
        async with open_journal(path / "journal.sqlite") as journal:
            with SampleFile(path) as samples, suppress(ForkjoinError):
                runner = Runner(
                    engine=engine,
                    system=settings.system,
                    samples=samples,
                    budget=settings.budget,
                    policy=CallPolicy(retry=RetryPolicy(attempts=1)),
                    limiter=CallLimiter(1),
                    journal=journal,
                    name="dry-run",
                )
                await runner.run(first, about=settings.about, resumed=False)
    return engine.calls[0].context.turns if engine.calls else ()
