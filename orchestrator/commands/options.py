"""The options that describe a run: `run` reads them, `resume` finds them in the run's folder."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from engines import (
    CallLimiter,
    Engine,
    HedgePolicy,
    Notify,
    RetryPolicy,
    Sampling,
    UsageError,
    hogwild_engine,
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
from reasoning import METHODS, REDUCERS, Hogwild, Reducer, method_named, reducer_named

from ..agent_settings import vocabulary_of
from ..budget import Budget, Prices
from ..calls import CallPolicy
from ..on_failure import ON_FAILURE
from ..tools.definition import Tool, check_dependencies, tools_by_name
from ..tools.loading import is_in_toolkit, load_tools
from .approval import WAYS
from .settings import Settings, add_settings
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
_IN_PROCESS = ("local", "hogwild")
# Of these, the one whose workers share an attention cache.
_SHARES_CACHE = "hogwild"
# What `resume` needs no more, or gets anew.
_NOT_KEPT = ("command", "question", "json", "dry_run", "out")
_PLACE = re.compile(r"[\w.]+:\w+")
_BUDGET = {"tokens": int, "calls": int, "seconds": float, "money": float}
_PRICES = {"prompt": float, "cached": float, "generated": float}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a run."""
    add = parser.add_argument
    add("--tools", metavar="MODULE:NAME", nargs="+", action="extend", default=[],
        help="tools, or lists of tools; calculate is one that is ready to use")  # fmt: skip
    add("--mcp", metavar="COMMAND|URL", action="append", default=[],
        help="an MCP server whose tools may be called: '[NAME: ][VAR=$VALUE ...] COMMAND' or '[NAME: ]URL'; "
        "NAME_ stands before its tools' names, VAR in its environment, which has little else")  # fmt: skip
    add("--planner", metavar="NAME", default="llm-compiler", help=_choices(PLANNERS))
    add("--plan", metavar="FILE", help="a plan of your own instead of a planner's (JSON or YAML)")
    add("--method", metavar="NAME", default="chain-of-thought", help=_choices(METHODS))
    add("--reducer", metavar="NAME", help=f"{', '.join(sorted(REDUCERS))}; default: the plan's")
    add_settings(parser)
    add("--model", metavar="NAME",
        help="default: the embedded model, or the one that the server has")  # fmt: skip
    add("--max-tokens", metavar="N", type=int, default=512,
        help="for each call of a thread or reducer (default: 512)")  # fmt: skip
    add("--seed", metavar="N", type=int,
        help="gives every branch a seed of its own, so that the run repeats")  # fmt: skip
    add("--on-failure", metavar="NAME", default="skip", help=_choices(ON_FAILURE))
    add("--prices", metavar="LIST",
        help="money for a million tokens: prompt=0.1,cached=0.01,generated=0.4")  # fmt: skip
    add_raisable(parser, default=True)


def add_raisable(parser: argparse.ArgumentParser, *, default: bool) -> None:
    """The options that a run may get anew when it is resumed; those left out stay as they were then."""

    def given(value: Any) -> Any:
        return value if default else None

    def usual(value: str) -> str:
        return f" (default: {value})" if default else ""

    add = parser.add_argument
    add("--engine", metavar="local|hogwild|URL", default=given("local"),
        help="vLLM in this process; PyTorch in this process, where workers share one attention cache; or "
        f"OpenAI-compatible servers: URL or URL,URL{usual('local')}")  # fmt: skip
    add("--budget", metavar="LIST",
        help="the most that it may take: tokens=50000,calls=200,seconds=60,money=0.5")  # fmt: skip
    add("--width", metavar="N|auto", default=given("auto"),
        help=f"the most calls of the engine at once; auto finds it by measuring{usual('auto')}")  # fmt: skip
    add("--attempts", metavar="N", type=int, default=given(5),
        help=f"how often a call is tried that may succeed later{usual('5')}")  # fmt: skip
    add("--timeout", metavar="S", type=float, help="seconds for each try of a call")
    add("--idle-timeout", metavar="S", type=float, help="seconds without a token for each try")
    add("--hedge", action="store_true",
        help="start calls that take much longer than their peers a second time")  # fmt: skip
    add("--approve", metavar="ask|all", default=given("ask"),
        help=f"calls of tools that have to be approved: ask at the terminal, or approve all{usual('ask')}")  # fmt: skip
    add("--trace", action="store_true",
        help="make spans with OpenTelemetry, for an SDK such as opentelemetry-instrument sets up")  # fmt: skip


def kept_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that a run folder keeps, so that the run can be resumed."""
    return {name: value for name, value in vars(arguments).items() if name not in _NOT_KEPT}


def question_of(arguments: argparse.Namespace) -> str | None:
    """The question, also where it follows `--tools` and argparse takes it for one more of them."""
    question: str | None = arguments.question
    last = arguments.tools[-1] if arguments.tools else ""
    if question is None and last and not (_PLACE.fullmatch(last) or is_in_toolkit(last)):
        question = arguments.tools.pop()
    return question


def check_options(arguments: argparse.Namespace) -> None:
    """Refuses numbers that make no sense, before anything starts.

    Raises:
        UsageError: With the option and what it takes.
    """
    for url in _urls(arguments.engine):
        if url in _IN_PROCESS:
            raise UsageError(
                f"--engine {arguments.engine}: {url} is one engine by itself; only URLs are a list"
            )
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                f"there is no engine {url!r}: write local, hogwild, or a URL such as http://127.0.0.1:8000/v1"
            )
    if arguments.max_tokens < 1:
        raise UsageError(f"--max-tokens {arguments.max_tokens}: at least 1 is needed")
    if arguments.seed is not None and not 0 <= arguments.seed < 2**63:
        raise UsageError(f"--seed {arguments.seed}: choose a number from 0 to 2**63 - 1")
    if arguments.attempts < 1:
        raise UsageError(f"--attempts {arguments.attempts}: at least 1 is needed")
    for name in ("timeout", "idle_timeout"):
        seconds = getattr(arguments, name)
        if seconds is not None and not seconds > 0:
            raise UsageError(f"--{name.replace('_', '-')} {seconds:g}: give more than 0 seconds")
    for place in arguments.mcp:
        server_at(place)
    if arguments.approve not in WAYS:
        raise UsageError(f"--approve {arguments.approve}: choose from {', '.join(WAYS)}")
    if arguments.on_failure not in ON_FAILURE:
        known = ", ".join(ON_FAILURE)
        raise UsageError(f"--on-failure {arguments.on_failure}: choose from {known}")


def agent_options(arguments: argparse.Namespace, served: Iterable[Tool] = ()) -> dict[str, Any]:
    """What `Agent` takes beside the engine; `served` are the tools of servers.

    Raises:
        UsageError: A name that does not exist, or a file that cannot be used.
    """
    check_options(arguments)
    sampling = Sampling(max_tokens=arguments.max_tokens, seed=arguments.seed)
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
    method = settings.applied("method", method_named(arguments.method, sampling), sampling)
    if arguments.engine != _SHARES_CACHE and _needs_shared_cache(method, planner):
        raise UsageError(
            f"workers of the method hogwild cannot share the attention cache of --engine {arguments.engine}: "
            f"write --engine hogwild, or take --method blackboard"
        )
    return {
        "tools": tools.values(),
        "planner": planner,
        "method": method,
        "reducer": _reducer(arguments, settings, sampling),
        "sampling": sampling,
        "budget": budget_of(arguments),
        "calls": _call_policy(arguments),
        "limiter": _limiter(arguments.width),
        "on_failure": arguments.on_failure,
    }


def _needs_shared_cache(method: object, planner: Planner) -> bool:
    """Whether the method, one inside of it or one in a plan that is given is `Hogwild`."""
    if isinstance(planner, GivenPlanner):
        nodes = planner.given.nodes
        if any(node.kind == "think" and node.method == "hogwild" for node in nodes):
            return True
    while method is not None and not isinstance(method, Hogwild):
        method = getattr(method, "method", None)
    return method is not None


def open_engine(
    arguments: argparse.Namespace, notify: Notify
) -> AbstractAsyncContextManager[Engine]:
    """The engine, to be opened; `notify` hears of calls that move to another server."""
    if arguments.engine == "local":
        return local_engine(arguments.model)
    if arguments.engine == "hogwild":
        return hogwild_engine(arguments.model)
    from engines import HttpEngine, ReplicaPool

    servers = [HttpEngine(url, model=arguments.model) for url in _urls(arguments.engine)]
    return servers[0] if len(servers) == 1 else ReplicaPool(servers, notify=notify)


def budget_of(arguments: argparse.Namespace) -> Budget:
    """The budget in `--budget` and `--prices`.

    Raises:
        UsageError: They do not say `name=number,...`.
    """
    limits = _numbers("--budget", arguments.budget, _BUDGET)
    prices = _numbers("--prices", arguments.prices, _PRICES)
    return Budget(
        **limits, prices=Prices(**{"prompt": 0, "generated": 0, **prices}) if prices else None
    )


def _numbers(
    option: str, text: str | None, known: Mapping[str, Callable[[str], float]]
) -> dict[str, Any]:
    if text is None:
        return {}
    found: dict[str, Any] = {}
    for item in text.split(","):
        name, _, value = item.strip().partition("=")
        try:
            number = known[name](value) if name not in found else -1
        except (KeyError, ValueError):
            number = -1
        if not number >= 0:
            usual = ",".join(f"{name}=N" for name in known)
            raise UsageError(
                f"{option} {text}: {item!r} does not fit: write {usual}, or some of them"
            )
        found[name] = number
    return found


def _urls(engine: str) -> list[str]:
    return [] if engine in _IN_PROCESS else [url.strip() for url in engine.split(",")]


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


def _call_policy(arguments: argparse.Namespace) -> CallPolicy:
    return CallPolicy(
        retry=RetryPolicy(attempts=arguments.attempts),
        hedge=HedgePolicy() if arguments.hedge else None,
        seconds=arguments.timeout,
        idle_seconds=arguments.idle_timeout,
    )


def _limiter(width: str) -> CallLimiter | None:
    if width == "auto":
        return None
    if not width.isdigit() or int(width) < 1:
        raise UsageError(f"--width {width}: write auto, or a number from 1 on")
    return CallLimiter(int(width))


def _choices(names: Any) -> str:
    first, *rest = names
    return f"{', '.join([first, *rest])} (default: {first})"
