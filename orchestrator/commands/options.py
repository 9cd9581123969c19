"""The options that describe a run: `run` reads them, `resume` finds them in the run's folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from engines import Sampling, UsageError
from planners import (
    PLANNERS,
    GivenPlanner,
    PlanError,
    Planner,
    check_plan,
    planner_named,
    read_plan,
)
from reasoning import REDUCERS, Reducer, reducer_named

from ..agent_settings import vocabulary_of
from ..imported import is_place
from ..on_failure import ON_FAILURE
from ..tools.definition import Tool, check_dependencies, tools_by_name
from ..tools.loading import is_in_toolkit, load_tools
from .approval import WAYS
from .call_options import add_calls, budget_of, call_policy_of, check_calls, limiter_of
from .settings import Settings
from .thinking_options import (
    add_thinking,
    check_thinking,
    choices_of,
    method_of,
    require_shared_cache,
    sampling_of,
)
from .tool_sources import server_at

# What a resumed run may change.
RAISABLE = (
    "budget",
    "attempts",
    "timeout",
    "idle_timeout",
    "hedge",
    "width",
    "engine",
    "approve",
    "trace",
)
# What `resume` needs no more, or gets anew.
_NOT_KEPT = ("command", "question", "json", "dry_run", "out")
# What a plan that is given stands in the place of.
_NOT_USED = ("planner",)
# The others plan threads of thought only.
_CALLS_TOOLS = "llm-compiler"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a run."""
    add = parser.add_argument
    add("--tools", metavar="MODULE:NAME", nargs="+", action="extend", default=[],
        help="tools, or lists of tools; calculate is one that is ready to use")  # fmt: skip
    add("--mcp", metavar="COMMAND|URL", action="append", default=[],
        help="an MCP server whose tools may be called: '[NAME: ][VAR=$VALUE ...] COMMAND' or '[NAME: ]URL'; "
        "NAME_ stands before its tools' names, VAR in its environment, which has little else")  # fmt: skip
    add("--planner", metavar="NAME", default="llm-compiler", help=choices_of(PLANNERS))
    add("--plan", metavar="FILE", help="a plan of your own instead of a planner's (JSON or YAML)")
    add("--reducer", metavar="NAME", help=f"{', '.join(sorted(REDUCERS))}; default: the plan's")
    add("--on-failure", metavar="NAME", default="skip", help=choices_of(ON_FAILURE))
    add_thinking(parser)
    add_raisable(parser, default=True)


def add_raisable(parser: argparse.ArgumentParser, *, default: bool) -> None:
    """The options that a run may get anew when it is resumed; those left out stay as they were then."""
    add_calls(parser, default=default)
    add = parser.add_argument
    given, usual = ("ask", " (default: ask)") if default else (None, "")
    add("--approve", metavar="ask|all", default=given,
        help=f"calls of tools that have to be approved: ask at the terminal, or approve all{usual}")  # fmt: skip
    add("--trace", action="store_true",
        help="make spans with OpenTelemetry, for an SDK such as opentelemetry-instrument sets up")  # fmt: skip


def kept_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that a run folder keeps, so that the run can be resumed."""
    left_out = _NOT_KEPT if arguments.plan is None else (*_NOT_KEPT, *_NOT_USED)
    return {name: value for name, value in vars(arguments).items() if name not in left_out}


def question_of(arguments: argparse.Namespace) -> str | None:
    """The question, also where it follows `--tools` and argparse takes it for one more of them."""
    question: str | None = arguments.question
    last = arguments.tools[-1] if arguments.tools else ""
    if question is None and last and not (is_place(last) or is_in_toolkit(last)):
        question = arguments.tools.pop()
    return question


def check_options(arguments: argparse.Namespace) -> None:
    """Refuses numbers that make no sense, before anything starts.

    Raises:
        UsageError: With the option and what it takes.
    """
    check_calls(arguments)
    check_thinking(arguments)
    for place in arguments.mcp:
        server_at(place)
    if arguments.approve not in WAYS:
        raise UsageError(f"--approve {arguments.approve}: choose from {', '.join(WAYS)}")
    if arguments.on_failure not in ON_FAILURE:
        known = ", ".join(ON_FAILURE)
        raise UsageError(f"--on-failure {arguments.on_failure}: choose from {known}")


def check_tools_called(planner: str, **given: Iterable[str]) -> None:
    """Refuses tools beside a planner that would not have them called.

    Args:
        planner: Its name.
        given: The values of each option that gives tools.

    Raises:
        UsageError: There are some.
    """
    if planner not in PLANNERS or planner == _CALLS_TOOLS:
        return
    for name, values in given.items():
        if told := " ".join(values):
            raise UsageError(
                f"--{name} {told}: the planner {planner} calls no tools: choose {_CALLS_TOOLS}, or leave them out"
            )


def agent_options(arguments: argparse.Namespace, served: Iterable[Tool] = ()) -> dict[str, Any]:
    """What `Agent` takes beside the engine; `served` are the tools of servers.

    Raises:
        UsageError: A name that does not exist, or a file that cannot be used.
    """
    check_options(arguments)
    sampling = sampling_of(arguments)
    settings = Settings(arguments)
    tools = tools_by_name([*load_tools(arguments.tools), *served])
    # There are none on the command line.
    check_dependencies(tools.values(), None)
    planner = _planner(arguments, settings, sampling)
    if isinstance(planner, GivenPlanner):
        try:
            check_plan(planner.given, vocabulary_of(tools))
        except PlanError as error:
            raise UsageError(f"{arguments.plan}: {error}") from error
    method = method_of(arguments, settings, sampling)
    if isinstance(planner, GivenPlanner) and any(
        node.kind == "think" and node.method == "hogwild" for node in planner.given.nodes
    ):
        require_shared_cache(arguments)
    return {
        "tools": tools.values(),
        "planner": planner,
        "method": method,
        "reducer": _reducer(arguments, settings, sampling),
        "sampling": sampling,
        "budget": budget_of(arguments),
        "calls": call_policy_of(arguments),
        "limiter": limiter_of(arguments),
        "on_failure": arguments.on_failure,
    }


def _planner(arguments: argparse.Namespace, settings: Settings, sampling: Sampling) -> Planner:
    if arguments.plan is not None:
        settings.refuse("planner", f"the plan is in {arguments.plan}, and no planner is asked")
        return GivenPlanner(given=read_plan(arguments.plan))
    return settings.applied("planner", planner_named(arguments.planner, arguments.seed), sampling)


def _reducer(
    arguments: argparse.Namespace, settings: Settings, sampling: Sampling
) -> Reducer | None:
    if arguments.reducer is None:
        settings.refuse("reducer", "the plan names the reducer: choose one with --reducer")
        return None
    return settings.applied("reducer", reducer_named(arguments.reducer, sampling), sampling)
