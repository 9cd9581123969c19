"""The options that say what calls run on, what they may cost, and what is done about those that go wrong."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from engines import CallLimiter, HedgePolicy, ReadyQueue, RetryPolicy, UsageError

from ..budget import Budget, Prices
from ..calls import CallPolicy
from .engine_option import check_engine

_BUDGET = {"tokens": int, "calls": int, "seconds": float, "money": float}
_PRICES = {"prompt": float, "cached": float, "generated": float}


def add_calls(parser: argparse.ArgumentParser, *, default: bool, counted: str = "") -> None:
    """The options that say what calls run on and may cost; without `default`, those left out are None.

    Args:
        parser: Gets them.
        default: Whether they have defaults.
        counted: What a budget counts, where that may be doubted.
    """

    def given(value: Any) -> Any:
        return value if default else None

    def usual(value: str) -> str:
        return f" (default: {value})" if default else ""

    add = parser.add_argument
    add("--engine", metavar="local|hogwild|replay:FILE|MODULE:NAME|URL", default=given("local"),
        help="vLLM in this process; PyTorch in this process, where workers share one attention cache; recorded "
        "samples, of a file or of an evaluation's folder; a function that makes one of your own; or "
        "OpenAI-compatible servers: URL or URL,URL"
        f"{usual('local')}")  # fmt: skip
    add("--budget", metavar="LIST",
        help=f"the most that it may take: tokens=50000,calls=200,seconds=60,money=0.5{counted}")  # fmt: skip
    add("--width", metavar="N|auto", default=given("auto"),
        help=f"the most calls of the engine at once; auto finds it by measuring{usual('auto')}")  # fmt: skip
    add("--attempts", metavar="N", type=int, default=given(5),
        help=f"how often a call is tried that may succeed later{usual('5')}")  # fmt: skip
    add("--timeout", metavar="S", type=float, help="seconds for each try of a call")
    add("--idle-timeout", metavar="S", type=float, help="seconds without a token for each try")
    add("--hedge", action="store_true",
        help="start calls that take much longer than their peers a second time")  # fmt: skip


def check_calls(arguments: argparse.Namespace) -> None:
    """Refuses an engine and numbers that make no sense, before anything starts.

    Raises:
        UsageError: With the option and what it takes.
    """
    check_engine(arguments.engine)
    if arguments.attempts < 1:
        raise UsageError(f"--attempts {arguments.attempts}: at least 1 is needed")
    for name in ("timeout", "idle_timeout"):
        seconds = getattr(arguments, name)
        if seconds is not None and not seconds > 0:
            raise UsageError(f"--{name.replace('_', '-')} {seconds:g}: give more than 0 seconds")


def call_policy_of(arguments: argparse.Namespace) -> CallPolicy:
    """What is done about calls that fail, hang or straggle."""
    return CallPolicy(
        retry=RetryPolicy(attempts=arguments.attempts),
        hedge=HedgePolicy() if arguments.hedge else None,
        seconds=arguments.timeout,
        idle_seconds=arguments.idle_timeout,
    )


def limiter_of(
    arguments: argparse.Namespace, queue: ReadyQueue[Any] | None = None
) -> CallLimiter | None:
    """How many calls may run at once; None where that is found by measuring.

    Args:
        arguments: Have `--width`.
        queue: The order of those that wait, where it is not the usual one.

    Raises:
        UsageError: `--width` is neither a number nor `auto`.
    """
    width: str = arguments.width
    if width == "auto":
        return None
    # Some digits are no decimal ones, such as those of powers.
    if not width.isdecimal() or int(width) < 1:
        raise UsageError(f"--width {width}: write auto, or a number from 1 on")
    return CallLimiter(int(width), queue)


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
