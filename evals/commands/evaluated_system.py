"""The system that options describe, and what it is called."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from engines import Sampling, UsageError
from orchestrator import Agent, Tool
from orchestrator.commands.options import check_tools_called
from orchestrator.commands.settings import Settings
from orchestrator.commands.thinking_options import method_of, sampling_of
from orchestrator.tools.definition import check_dependencies, tools_by_name
from orchestrator.tools.loading import load_tools
from planners import Planner, planner_named
from reasoning import Method
from reasoning.instructions import without_instruction

from ..evaluation.systems import Place, Plans, System, Thinks


def system_of(options: argparse.Namespace) -> System:
    """The system.

    Raises:
        UsageError: There is no such method, planner, tool or setting.
    """
    sampling, settings = sampling_of(options), Settings(options)
    settings.refuse("reducer", "a method has its own, as method.reducer; a plan names its own")
    method = _method(options, settings, sampling)
    described: Mapping[str, Any] = {
        "method": repr(method),
        "sampling": sampling.model_dump(mode="json"),
    }
    if options.planner is None:
        settings.refuse("planner", "no planner is asked: choose one with --planner")
        if options.tools:
            raise UsageError(
                f"--tools {' '.join(options.tools)}: only plans call tools: choose a planner with --planner"
            )
        return Thinks(method=method, described=described)
    check_tools_called(options.planner, tools=options.tools)
    tools = tools_by_name(load_tools(options.tools))
    # There are none on the command line.
    check_dependencies(tools.values(), None)
    planner = _planner(options, settings, sampling)

    def agent(place: Place, path: str, brought: Sequence[Tool] | None) -> Agent:
        # Inside of its run nothing sees the sample's path, so that its seed has to.
        seeded = sampling.for_branch(path)
        own = argparse.Namespace(**{**vars(options), "seed": seeded.seed})
        return Agent(
            place.base,
            tools=tools.values() if brought is None else brought,
            planner=_planner(own, settings, seeded),
            method=_method(own, settings, seeded),
            sampling=seeded,
            calls=place.policy,
            limiter=place.limiter,
        )

    planned = {"planner": repr(planner), "tools": sorted(tools)}
    return Plans(agent=agent, described={**described, **planned})


def name_of(options: argparse.Namespace) -> str:
    """What a system is called that was given no name: what it is made of."""
    parts = [options.method] if options.planner is None else [options.planner]
    if options.planner is not None and options.method != "chain-of-thought":
        parts.append(options.method)
    if options.tools:
        parts.append(f"with {', '.join(options.tools)}")
    return " ".join([*parts, *options.set])


def _method(options: argparse.Namespace, settings: Settings, sampling: Sampling) -> Method:
    """The method, which leaves it to the task to say how to answer."""
    return without_instruction(method_of(options, settings, sampling))


def _planner(options: argparse.Namespace, settings: Settings, sampling: Sampling) -> Planner:
    return settings.applied("planner", planner_named(options.planner, options.seed), sampling)
