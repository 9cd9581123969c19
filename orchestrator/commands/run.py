"""`forkjoin run`: one question, planned, carried out and answered."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack, redirect_stdout, suppress
from dataclasses import dataclass, replace
from typing import Any

import anyio

from engines import (
    Engine,
    EngineError,
    FakeEngine,
    ForkjoinError,
    Sampling,
    UsageError,
    local_engine,
)
from planners import (
    PLANNERS,
    GivenPlanner,
    PlanError,
    Planner,
    check_plan,
    planner_named,
    read_plan,
)
from reasoning import METHODS, REDUCERS, method_named, reducer_named

from ..agent import Agent, check_question, vocabulary_of
from ..errors import RunFolderError
from ..load_tools import load_tools
from ..progress import Progress, printable
from ..run_folder import check_runs
from ..run_result import RunResult
from ..tools import tools_by_name

_PLACE = re.compile(r"[\w.]+:\w+")


class RunCommand:
    """Answers a question."""

    summary = "answer a question: plan it, run calls and threads side by side, merge the results"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("question", metavar="QUESTION", nargs="?")
        add("--tools", metavar="MODULE:NAME", nargs="+", action="extend", default=[],
            help="tools, or lists of tools")  # fmt: skip
        add("--planner", metavar="NAME", default="llm-compiler", help=_choices(PLANNERS))
        add("--plan", metavar="FILE", help="a plan of your own instead of a planner's (JSON)")
        add("--method", metavar="NAME", default="chain-of-thought", help=_choices(METHODS))
        add("--reducer", metavar="NAME", help=f"{', '.join(sorted(REDUCERS))}; default: the plan's")
        add("--engine", metavar="local|URL", default="local",
            help="vLLM in this process, or an OpenAI-compatible server (default: local)")  # fmt: skip
        add(
            "--model",
            metavar="NAME",
            help="default: the embedded model, or the one that the server has",
        )
        add(
            "--max-tokens",
            metavar="N",
            type=int,
            default=512,
            help="for each call of a thread or reducer (default: 512)",
        )
        add(
            "--seed",
            metavar="N",
            type=int,
            help="gives every branch a seed of its own, so that the run repeats",
        )
        add("--out", metavar="DIR", default="runs", help="where run folders go (default: runs)")
        add("--json", action="store_true", help="one JSON object on stdout, the rest on stderr")
        add("--dry-run", action="store_true",
            help="show what would run and the first prompt, without an engine")  # fmt: skip

    def run(self, arguments: argparse.Namespace) -> int:
        """Runs the question to its answer."""
        arguments.question = _question(arguments)
        check_question(arguments.question)
        _check_engine(arguments.engine)
        if arguments.max_tokens < 1:
            raise UsageError(f"--max-tokens {arguments.max_tokens}: at least 1 is needed")
        if arguments.seed is not None and not 0 <= arguments.seed < 2**63:
            raise UsageError(f"--seed {arguments.seed}: choose a number from 0 to 2**63 - 1")
        # What tools print must not get between the answer and who reads it.
        with redirect_stdout(sys.stderr) as stderr:
            if arguments.dry_run:
                anyio.run(_dry_run, arguments)
                return 0
            answered = _Answered()
            try:
                anyio.run(_run, arguments, answered)
            except KeyboardInterrupt:
                if not answered.yet:
                    raise
                # Only the engine was still closing; threads of its start may linger.
                stderr.flush()
                os._exit(0)
        return 0


command = RunCommand()


@dataclass
class _Answered:
    yet: bool = False


async def _run(arguments: argparse.Namespace, answered: _Answered) -> None:
    # Everything that can be wrong in the arguments is told before an engine starts.
    settings = _settings(arguments)
    check_runs(arguments.out)
    engine_context = _engine(arguments)
    async with AsyncExitStack() as exits:
        with Progress() as progress:
            progress.starting(arguments.engine, arguments.model)
            engine = await exits.enter_async_context(engine_context)
            agent = Agent(engine, runs=arguments.out, **settings)
            try:
                result = await agent.run(arguments.question, subscribers=[progress.show])
            except RunFolderError as error:
                if error.result is not None:
                    _print(error.result, arguments.json)
                raise
        # Closing an engine takes some seconds, which nobody has to wait for.
        _print(result, arguments.json)
        answered.yet = True


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    sampling = Sampling(max_tokens=arguments.max_tokens, seed=arguments.seed)
    tools = tools_by_name(load_tools(arguments.tools))
    reducer = arguments.reducer
    planner = _planner(arguments)
    if isinstance(planner, GivenPlanner):
        try:
            check_plan(planner.given, vocabulary_of(tools))
        except PlanError as error:
            raise UsageError(f"{arguments.plan}: {error}") from error
    return {
        "tools": tools.values(),
        "planner": planner,
        "method": method_named(arguments.method, sampling),
        "reducer": None if reducer is None else reducer_named(reducer, sampling),
        "sampling": sampling,
    }


def _planner(arguments: argparse.Namespace) -> Planner:
    if arguments.plan is not None:
        return GivenPlanner(given=read_plan(arguments.plan))
    return planner_named(arguments.planner, arguments.seed)


def _question(arguments: argparse.Namespace) -> str:
    """The question, also where it follows `--tools` and argparse takes it for one more of them."""
    if arguments.question is None and arguments.tools and not _PLACE.fullmatch(arguments.tools[-1]):
        arguments.question = arguments.tools.pop()
    if arguments.question is None:
        raise UsageError('the question is missing: write forkjoin run "QUESTION"')
    return str(arguments.question)


def _check_engine(engine: str) -> None:
    if engine != "local" and not engine.startswith(("http://", "https://")):
        raise UsageError(
            f"there is no engine {engine!r}: write local, or a URL such as http://127.0.0.1:8000/v1"
        )


def _engine(arguments: argparse.Namespace) -> AbstractAsyncContextManager[Engine]:
    if arguments.engine == "local":
        return local_engine(arguments.model)
    from engines import HttpEngine

    return HttpEngine(arguments.engine, model=arguments.model)


async def _dry_run(arguments: argparse.Namespace) -> None:
    settings = _settings(arguments)
    settings["tools"] = [replace(tool, function=_not_called) for tool in settings["tools"]]
    # The first call shows its prompt, and its failure ends the run.
    engine = FakeEngine(lambda context, sampling: EngineError("a dry run ends here"))
    with suppress(ForkjoinError):
        await Agent(engine, **settings).run(arguments.question)
    turns = engine.calls[0].context.turns if engine.calls else ()
    shown = {
        "question": arguments.question,
        "planner": arguments.plan or arguments.planner,
        "method": arguments.method,
        "reducer": arguments.reducer,
        "engine": arguments.engine,
        "model": arguments.model,
        "max_tokens": arguments.max_tokens,
        "seed": arguments.seed,
        "tools": [tool.specification.signature for tool in settings["tools"]],
        "first_prompt": [{"role": turn.role, "text": turn.text} for turn in turns],
    }
    if arguments.json:
        _write(json.dumps(shown, ensure_ascii=False))
        return
    shown.pop("first_prompt")
    for name, value in shown.items():
        listed = ", ".join(value) if isinstance(value, list) else value
        _write(f"{name:<12} {'-' if listed in (None, '') else listed}")
    _write("\nfirst prompt" if turns else "\nno prompt: the plan begins with calls only")
    for turn in turns:
        _write(f"<{turn.role}>\n{printable(turn.text)}")


def _not_called(**arguments: Any) -> None:
    raise RuntimeError("a dry run calls no tools")


def _print(result: RunResult, as_json: bool) -> None:
    if as_json:
        _write(json.dumps(result.to_data(), ensure_ascii=False))
        return
    usage = result.usage
    cached = "unknown" if usage.cached_tokens is None else f"{usage.cached_tokens:,}"
    _write(
        f"{printable(result.answer.final)}\n\n"
        f"tokens         {usage.prompt_tokens:,} prompt ({cached} cached), {usage.generated_tokens:,} generated\n"
        f"critical path  {result.critical_path:,} tokens\n"
        f"wall time      {result.seconds:.1f} s\n"
        f"run folder     {result.folder}"
    )


def _write(text: str) -> None:
    """Writes to the real standard output, which tools do not get."""
    assert sys.__stdout__ is not None
    sys.__stdout__.write(f"{text}\n")
    sys.__stdout__.flush()


def _choices(names: Any) -> str:
    first, *rest = names
    return f"{', '.join([first, *rest])} (default: {first})"
