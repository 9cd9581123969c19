"""The options that say how the model thinks: the method with its settings, and how it samples."""

from __future__ import annotations

import argparse
from typing import Any

from engines import Sampling, UsageError
from reasoning import METHODS, Hogwild, Method, method_named

from .engine_option import SHARES_CACHE
from .settings import Settings, add_settings


def add_thinking(parser: argparse.ArgumentParser, *, default: str = "") -> None:
    """The options that say how the model thinks; `default` says what is done where no method has to be chosen."""
    add = parser.add_argument
    if default:
        add("--method", metavar="NAME", help=f"{', '.join(METHODS)} (default: {default})")
    else:
        add("--method", metavar="NAME", default="chain-of-thought", help=choices_of(METHODS))
    add_settings(parser)
    add("--model", metavar="NAME",
        help="a folder or a name; smollm2 is the embedded model without its training (default: the "
        "embedded model, or the one that the server has)")  # fmt: skip
    add("--max-tokens", metavar="N", type=int, default=512,
        help="for each call of a thread or reducer (default: 512)")  # fmt: skip
    add("--seed", metavar="N", type=int,
        help="gives every branch a seed of its own, so that the run repeats")  # fmt: skip
    add("--prices", metavar="LIST",
        help="money for a million tokens: prompt=0.1,cached=0.01,generated=0.4")  # fmt: skip


def check_thinking(arguments: argparse.Namespace) -> None:
    """Refuses numbers that make no sense, before anything starts.

    Raises:
        UsageError: With the option and what it takes.
    """
    if arguments.max_tokens < 1:
        raise UsageError(f"--max-tokens {arguments.max_tokens}: at least 1 is needed")
    if arguments.seed is not None and not 0 <= arguments.seed < 2**63:
        raise UsageError(f"--seed {arguments.seed}: choose a number from 0 to 2**63 - 1")


def sampling_of(arguments: argparse.Namespace) -> Sampling:
    """How methods sample that are given by name."""
    return Sampling(max_tokens=arguments.max_tokens, seed=arguments.seed)


def method_of(arguments: argparse.Namespace, settings: Settings, sampling: Sampling) -> Method:
    """The method with its settings.

    Raises:
        UsageError: There is no such method or setting, or the engine cannot carry it out.
    """
    method = settings.applied("method", method_named(arguments.method, sampling), sampling)
    if needs_shared_cache(method):
        require_shared_cache(arguments)
    return method


def needs_shared_cache(method: object) -> bool:
    """Whether the method, or one inside of it, is `Hogwild`."""
    while method is not None and not isinstance(method, Hogwild):
        method = getattr(method, "method", None)
    return method is not None


def require_shared_cache(arguments: argparse.Namespace) -> None:
    """Refuses an engine whose workers cannot share its attention cache.

    Raises:
        UsageError: It is such a one.
    """
    if arguments.engine != SHARES_CACHE:
        raise UsageError(
            f"workers of the method hogwild cannot share the attention cache of --engine {arguments.engine}: "
            f"write --engine hogwild, or take --method blackboard"
        )


def choices_of(names: Any) -> str:
    """Names in words, the first of which is the default."""
    first, *rest = names
    return f"{', '.join([first, *rest])} (default: {first})"
