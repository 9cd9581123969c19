"""What an agent is made of for a request, by what the request asks and whoever runs the server allows. Pure.

    AskedWay + ModelRequest + WayRules  ->  Way: planner, method, reducer, sampling, budget

A method alone thinks about the whole question; where the client has tools of its own, a planner says when to call them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from engines import Sampling, UsageError
from planners import Planner, planner_named
from reasoning import ChainOfThought, Method, Reducer, method_named, reducer_named

from ...budget import Budget
from ...errors import InvalidRequest
from ...forecasting.method_shape import shape_of
from ...openai_api.model_request import ModelRequest
from .asked_way import COUNT, FIELD, AskedWay

T = TypeVar("T")

_ONE_THREAD = "single"
_METHOD = "chain-of-thought"
# Only a call of its own can be told these.
_OF_ONE_CALL = ("stop", "stop_token_ids", "ignore_eos")
_RESPONSE_FORMAT = "constraint"
# A client could have the server ask any address that it reaches, or keep its cores busy.
_OF_THE_OPERATOR = ("url", "embedder", "time_limit")
# What multiplies work, beside a method's number of threads.
_WIDTHS = ("votes", "warm_up", "beam_width", "max_children", "max_paths", "outlines", "max_steps",
    "most", "hard_calls")  # fmt: skip

# What repeats it, one time after the other; no server has a reason to allow more of it than another.
_LOOPS = ("max_replans", "max_repairs", "max_rounds", "max_depth", "max_continuations",
    "attempts", "simulations")  # fmt: skip
_MOST_ROUNDS = 64


@dataclass(frozen=True, kw_only=True)
class WayRules:
    """What whoever runs the server decides.

    Attributes:
        planner: Who plans for a client with tools of its own that names no planner.
        sampling: How calls sample where a request does not say.
        budget: What a request may cost at most, with what its run cost before where it goes on with one.
        most_threads: How many threads a method may have.
        trusting: Whether clients may choose the addresses of judges and what keeps this machine busy.
    """

    planner: str = "llm-compiler"
    sampling: Sampling = Sampling()
    budget: Budget = Budget()
    most_threads: int = 64
    trusting: bool = False


@dataclass(frozen=True, kw_only=True)
class Way:
    """What an agent is made of for one request.

    Attributes:
        planner: Makes the plan.
        method: How threads think.
        reducer: How results are merged; None leaves it to the plan.
        sampling: For what a plan names.
        budget: What the request may cost.
        output_schema: The JSON Schema of the answer; None leaves it a text.
        events: Whether a stream tells what happens on the way.
    """

    planner: Planner
    method: Method
    reducer: Reducer | None
    sampling: Sampling
    budget: Budget
    output_schema: Mapping[str, Any] | None
    events: bool


def way_of(asked: AskedWay, request: ModelRequest, rules: WayRules) -> Way:
    """How a request is thought about.

    Args:
        asked: What it says of that; of a plain one nothing, and it has tools of its own.
        request: The request.
        rules: What it may ask, and what it gets where it does not.

    Raises:
        InvalidRequest: A part or an option that is not there or may not be chosen, or something that only a call of
            its own can be told.
    """
    _check_request(request)
    try:
        return _way(asked, request, rules)
    except InvalidRequest:
        raise
    except UsageError as error:
        raise InvalidRequest(str(error), FIELD) from None


def lowered(ceiling: Budget, limits: Mapping[str, float]) -> Budget:
    """A budget with lower limits; those that are higher change nothing.

    >>> lowered(Budget(tokens=900), {"tokens": 5000, "calls": 3})
    Budget(tokens=900, calls=3, seconds=None, money=None, prices=None, final_share=0.1)

    Raises:
        InvalidRequest: A limit on money where nothing has a price.
    """
    if "money" in limits and ceiling.prices is None:
        raise InvalidRequest(f"{FIELD}.budget.money: calls have no price here, so leave it out", FIELD)  # fmt: skip
    lower: dict[str, Any] = {
        name: limit
        for name, limit in limits.items()
        if (most := getattr(ceiling, name)) is None or limit < most
    }
    return replace(ceiling, **lower) if lower else ceiling


def sampling_for(request: ModelRequest, usual: Sampling) -> Sampling:
    """How a request samples, the form of its answer aside."""
    given = {name: value for name, value in request.sampling.items() if name != _RESPONSE_FORMAT}
    return usual.model_copy(update=given)


def has_tools(request: ModelRequest) -> bool:
    """Whether the client can call something, or has done so."""
    return bool(request.results) or (bool(request.tools) and request.tool_choice != "none")


def _way(asked: AskedWay, request: ModelRequest, rules: WayRules) -> Way:
    usual = sampling_for(request, rules.sampling)
    planner = asked.planner or (rules.planner if has_tools(request) else _ONE_THREAD)
    settings = asked.settings
    _check_options(asked, rules)
    if asked.reducer is None:
        settings.refuse("reducer", f"choose one as {FIELD}.reducer")
    elif planner == _ONE_THREAD:
        raise InvalidRequest(
            f'no plan merges anything here: write {{"set": {{"method.reducer": "{asked.reducer}"}}}} for a method that '
            f"has one, or name a planner",
            FIELD,
        )
    way = Way(
        planner=settings.applied("planner", planner_named(planner, usual.seed), usual),
        method=settings.applied("method", _method(asked, usual), usual),
        reducer=None
        if asked.reducer is None
        else settings.applied("reducer", reducer_named(asked.reducer, usual), usual),
        sampling=usual,
        budget=lowered(rules.budget, asked.budget),
        output_schema=_schema(request),
        events=asked.events,
    )
    _check_widths(way, rules.most_threads)
    _check_one_call(request, way, one=planner == _ONE_THREAD)
    return way


def _method(asked: AskedWay, sampling: Sampling) -> Method:
    if asked.method is None and asked.planner is None:
        # Whoever names no way has asked for no boxed answer.
        return ChainOfThought(sampling=sampling, instruction="")
    return method_named(asked.method or _METHOD, sampling)


def _schema(request: ModelRequest) -> Mapping[str, Any] | None:
    constraint = request.sampling.get(_RESPONSE_FORMAT)
    return None if constraint is None else constraint.definition


def _check_request(request: ModelRequest) -> None:
    if request.choices > 1:
        raise InvalidRequest(
            f"n of {request.choices}: a method or a plan comes to one answer: ask so many times, or the plain model",
            "n",
        )


def _check_options(asked: AskedWay, rules: WayRules) -> None:
    if rules.trusting:
        return
    for thing, options in asked.settings.by_thing.items():
        for name in options:
            if not set(_OF_THE_OPERATOR).isdisjoint(name.split(".")):
                raise InvalidRequest(
                    f"{thing}.{name}: only who runs the server chooses it: leave it out", FIELD
                )


def _check_widths(way: Way, most: int) -> None:
    threads = shape_of(way.method).threads
    if threads > most:
        raise InvalidRequest(
            f"{threads} threads of {type(way.method).__name__}: at most {most} are allowed here: write a smaller "
            f"{COUNT}, as in MODEL@METHOD:{COUNT}={min(most, 4)}",
            FIELD,
        )
    for names, most_allowed in ((_WIDTHS, most), (_LOOPS, _MOST_ROUNDS)):
        for part in (way.method, way.planner, way.reducer):
            for name, value in _chosen(part, names):
                if value > most_allowed:
                    raise InvalidRequest(
                        f"{name} of {value}: at most {most_allowed} is allowed here", FIELD
                    )


def _chosen(thing: object, names: Collection[str]) -> Iterator[tuple[str, int]]:
    """Those of a configuration's numbers, and of those inside of it, that somebody chose."""
    if not dataclasses.is_dataclass(thing):
        return
    for each in dataclasses.fields(thing):
        value = getattr(thing, each.name)
        if each.name in names and isinstance(value, int) and value != each.default:
            yield each.name, value
        yield from _chosen(value, names)


def _check_one_call(request: ModelRequest, way: Way, *, one: bool) -> None:
    if one and getattr(way.method, "answers_in_one_call", False):
        return
    for name in _OF_ONE_CALL:
        if request.sampling.get(name):
            raise InvalidRequest(
                f"{name} ends a single call, and {type(way.method).__name__} with its plan makes more: leave it out",
                name,
            )
