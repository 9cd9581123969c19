"""SCALE as it runs, in rounds, beside the order of its reference code: every call after the one before.

    outlines, selection, difficulties, steps   as wide as the plan lets them     ──┐
    the same calls, of the same lengths        one at a time, by a limit of one  ──┴─> ratio of wall times

The reference (Xiao et al. 2025) writes 8 outlines, scores the steps and solves them one after another, and thinks about
a hard step in one call, as is done here too. So the ratio tells what order alone is worth; it grows with how much of
the work is planning and with how little steps need each other. What the model says is scripted.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import anyio

from engines import CallLimiter, Context, Engine, Sampling
from orchestrator import Agent, Event, NodeStarted
from planners import SCALE

from ..errors import require
from ..figure import Figure
from ..forced import ForcedEngine, Say, Script, Write
from ..measured import MeasuredEngine
from ..part import Setting
from ..timing import collected, ratio

_ANSWER = "42"
_ROUNDS, _SERIAL = "rounds", "serial"
_MOST_SECONDS = 90
"""For a shape: a round that begins later is left out."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """An outline.

    Attributes:
        name: What is said of it.
        needs: Of each step, the earlier ones whose results it uses, from 1.
        hard: The steps for System 2 beside the last one.
    """

    name: str
    needs: Sequence[Sequence[int]]
    hard: frozenset[int]

    def outline(self, version: int) -> str:
        """What the model writes; versions differ, so that there is something to select."""
        steps = [
            {
                "id": number,
                "task": f"Work out what part {number} of the building costs, with the discount that holds for it.",
                "needs": list(needs),
            }
            for number, needs in enumerate(self.needs, start=1)
        ]
        conditions = (
            "A building has several parts, each of which has a price and a discount, and some depend on "
            f"what others cost. This is said in wording {version}."
        )
        return json.dumps({"conditions": conditions, "steps": steps})

    def difficulty(self, number: int) -> str:
        """The digit of a step."""
        return "8" if number in self.hard else "1"

    @property
    def says(self) -> Script:
        """All that the model says; threads are as long as they may be."""

        def say(context: Context, sampling: Sampling) -> Say | Write:
            # `scale/outline/version-3`, `scale/select`, `scale/score/step-2`, or `root/4` for a thread.
            *_, place = context.path.split("/")
            kind, _, number = place.partition("-")
            match kind:
                case "version":
                    return Say(self.outline(int(number)))
                case "select":
                    return Say("1")
                case "step":
                    return Say(self.difficulty(int(number)))
            return Write(sampling.max_tokens, rf"\boxed{{{_ANSWER}}}")

        return say


SHAPES = (
    Shape(
        name="6 steps, 3 levels",
        needs=[[], [], [], [1, 2], [3], [4, 5]],
        hard=frozenset({1, 5}),
    ),
    Shape(name="4 steps in a chain", needs=[[], [1], [2], [3]], hard=frozenset({2})),
    Shape(
        name="8 steps, the first 7 independent",
        needs=[*[[]] * 7, list(range(1, 8))],
        hard=frozenset({1, 3, 5}),
    ),
)
"""Outlines of models look like the first; the second is the worst case, the last the best."""

_WARM_UP = Shape(name="warm-up", needs=[[], [1]], hard=frozenset())


@dataclass(frozen=True, slots=True)
class Solved:
    """One question.

    Attributes:
        seconds: All of it.
        planning: Seconds until the first step began.
        calls: How many there were.
        tokens: That all generated.
        path: Of these, one after another.
        most: So many calls ran at once.
    """

    seconds: float
    planning: float
    calls: int
    tokens: int
    path: int
    most: int


async def measure(setting: Setting) -> list[Figure]:
    """A ratio for each shape, and what tokens one after another would make of it."""
    engine = await setting.engine()
    planner = _planner(
        outlines=setting.sized(8, 2),
        easy=setting.sized(96, 6),
        hard=setting.sized(480, 24),
    )
    await compared(engine, planner, _WARM_UP, 1)
    figures = []
    for shape in SHAPES[: setting.sized(len(SHAPES), 1)]:
        setting.say(f"SCALE: {shape.name}")
        figures.append(_figure(shape, await compared(engine, planner, shape, setting.sized(3, 1))))
    return figures


async def compared(
    engine: Engine, planner: SCALE, shape: Shape, repeats: int
) -> dict[str, list[Solved]]:
    """A question with this outline in both orders, in turns.

    Raises:
        Mismeasured: The orders did not make the same calls, or the serial one made two at once.
    """
    runs = {
        order: partial(_solved, engine, planner, shape, serial=order == _SERIAL)
        for order in (_ROUNDS, _SERIAL)
    }
    found = await collected(runs, repeats, warm=0, within=_MOST_SECONDS)
    # Outlines, selection, difficulties of all but the last step, which is hard by decree, and the steps.
    expected = planner.outlines + 1 + (len(shape.needs) - 1) + len(shape.needs)
    for at_once, serial in zip(found[_ROUNDS], found[_SERIAL], strict=True):
        same = at_once.tokens == serial.tokens and at_once.calls == serial.calls == expected
        require(
            same and serial.most == 1 < at_once.most,
            f"{shape.name}: {at_once} and {serial} are not the same {expected} calls in two orders",
        )
    return found


async def _solved(
    engine: Engine, planner: SCALE, shape: Shape, name: str, *, serial: bool
) -> Solved:
    measured = MeasuredEngine(engine, f"{shape.name}, {name}")
    agent = Agent(
        ForcedEngine(measured, shape.says),
        planner=planner,
        limiter=CallLimiter(1) if serial else None,
    )
    steps: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, NodeStarted):
            steps.append(anyio.current_time())

    start = anyio.current_time()
    result = await agent.run("What does the whole building cost?", subscribers=[note])
    seconds = anyio.current_time() - start
    needs = [[int(need) for need in node.dependencies] for node in result.plan.nodes]
    require(
        str(result) == _ANSWER and needs == [list(each) for each in shape.needs],
        f"{shape.name}: {result} was answered, by steps that need {needs}; {result.remark}",
    )
    measured.check()
    return Solved(
        seconds=seconds,
        planning=steps[0] - start,
        calls=measured.calls,
        tokens=measured.tokens,
        path=result.critical_path,
        most=measured.most,
    )


def _figure(shape: Shape, found: dict[str, list[Solved]]) -> Figure:
    at_once, serial = found[_ROUNDS], found[_SERIAL]
    first, *_ = at_once
    planning = ratio(_planning(serial), _planning(at_once))
    solving = ratio(_solving(serial), _solving(at_once))
    return Figure(
        what=f"SCALE, {shape.name}",
        beside="the same calls one by one",
        value=ratio(_seconds(serial), _seconds(at_once)),
        detail=(
            f"{statistics.median(_seconds(at_once)):.2f} beside {statistics.median(_seconds(serial)):.2f} s; "
            f"planning {planning:.1f}x, steps {solving:.1f}x; by tokens {first.tokens / first.path:.2f}x; "
            f"{first.calls} calls"
        ),
        data={order: [asdict(one) for one in solved] for order, solved in found.items()},
    )


def _seconds(solved: Sequence[Solved]) -> list[float]:
    return [one.seconds for one in solved]


def _planning(solved: Sequence[Solved]) -> list[float]:
    return [one.planning for one in solved]


def _solving(solved: Sequence[Solved]) -> list[float]:
    return [one.seconds - one.planning for one in solved]


def _planner(*, outlines: int, easy: int, hard: int) -> SCALE:
    return SCALE(
        outlines=outlines,
        easy_tokens=easy,
        hard_method="chain-of-thought",
        hard_calls=1,
        least_hard_tokens=hard,
        most_hard_tokens=hard,
    )
