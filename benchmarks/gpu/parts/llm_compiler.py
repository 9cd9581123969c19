"""LLMCompiler beside a ReAct loop: the same questions, tools, seconds of each tool, and engine.

    question ─┬─> plan ─> tools, side by side ─> verdict
              └─> thought, tool, thought, tool, ... ─> answer

What the model says is scripted, at the engine's own speed; the tools wait and give numbers. One question is asked at a
time. The bound is ReAct's time over the plan's critical path: lines at the pace that the engine has in this run, tools
as soon as their line and what they need are there, then the verdict.

ParallelQA's shape is a search and a calculation for each of 2 to 5 things, that of Movie Recommendation eight searches
(Kim et al. 2024). The things are made up.
"""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import anyio

from benchmarks.planners.canned import Canned, CannedTools, Question
from benchmarks.planners.react import react
from benchmarks.planners.scenarios import Scenario, searching
from benchmarks.planners.scripts import (
    Script,
    critical_seconds,
    planner_says,
    react_says,
    verdict,
)
from engines import STREAMED, Chunk, Context, Delivery, Engine, EngineWrapper, Grammar, Sampling
from orchestrator import Agent
from planners import Call, LLMCompiler

from ..errors import require
from ..figure import Figure
from ..forced import ForcedEngine, Say
from ..measured import MeasuredEngine
from ..pace import EnginePace, lengths, median_pace, pace_of
from ..part import Setting
from ..timing import collected, ratio

_PLANNER = LLMCompiler(max_steps=16)
_PLACES = ("Orlan Rift", "Vessim Trench", "Kadra Basin", "Mount Tellow", "Lake Ishmere")
_FILMS = (
    "The Glass Harbour", "Nine Winters", "A Lantern for Ada", "Salt Road",
    "The Last Cartographer", "Copper Moon", "Under the Viaduct", "Letters to Brenn",
)  # fmt: skip
_PARALLEL_QA, _MOVIE = "ParallelQA", "Movie"

_MOST_SECONDS = 240


@dataclass(frozen=True, slots=True)
class _Seconds:
    """What things take that a plan is made of."""

    pace: EnginePace
    lengths: Mapping[str, int]
    canned: Mapping[str, Canned]

    def writing(self, text: str) -> float:
        return self.pace.writing(self.lengths[text])

    def running(self, step: Call) -> float:
        return self.canned[step.id].seconds


class PlanWatch(EngineWrapper):
    """Notes when the plan was begun and when its last token was there."""

    began = ended = 0.0

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The engine's stream."""
        start = anyio.current_time()
        async with self.inner.stream(context, sampling, delivery) as chunks:
            yield chunks
        if isinstance(sampling.constraint, Grammar):
            self.began, self.ended = start, anyio.current_time()


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, once.

    Attributes:
        seconds: All of it.
        first_tool: The share of the plan's writing after which the first tool began; None without a plan.
    """

    seconds: float
    first_tool: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A question by both, round by round.

    Attributes:
        name: The question's.
        react: One step after another.
        plan: By LLMCompiler.
        critical: Seconds of the plan's critical path.
    """

    name: str
    react: Sequence[Asked]
    plan: Sequence[Asked]
    critical: float


class Asking:
    """Has questions answered on one engine, one at a time.

    Args:
        engine: For all.
        pace_tokens: As many are written to find the engine's pace.

    Attributes:
        paces: Of the engine, by round.
    """

    def __init__(self, engine: Engine, pace_tokens: int) -> None:
        self.paces: list[EnginePace] = []
        self._engine = engine
        self._pace_tokens = pace_tokens

    async def compared(self, questions: Sequence[Question], repeats: int) -> list[Compared]:
        """Both sides of each question, in turns.

        Raises:
            Mismeasured: A side did something else than the question's steps.
        """
        first, *_ = questions
        await collected({f"warm-up, {name}": run for name, run in self._sides(first)}, 0)
        self.paces.clear()
        runs = dict(side for question in questions for side in self._sides(question))
        found = await collected(runs, repeats, warm=0, within=_MOST_SECONDS)
        return [
            Compared(
                name=one.name,
                react=found[f"{one.name}, react"],
                plan=found[f"{one.name}, plan"],
                critical=await self._critical(one),
            )
            for one in questions
        ]

    def _sides(self, question: Question) -> list[tuple[str, Callable[[str], Awaitable[Asked]]]]:
        return [
            (f"{question.name}, react", partial(self._react, question)),
            (f"{question.name}, plan", partial(self._plan, question)),
        ]

    async def _react(self, question: Question, name: str) -> Asked:
        canned = CannedTools(question)
        measured = MeasuredEngine(self._engine, name)
        engine = _forced(measured, react_says(question.scenario))
        start = anyio.current_time()
        answer = await react(question.scenario.question, canned.tools, engine)
        seconds = anyio.current_time() - start
        _check(canned.mistake(answer), measured)
        return Asked(seconds)

    async def _plan(self, question: Question, name: str) -> Asked:
        self.paces.append(await pace_of(self._engine, self._pace_tokens, name))
        canned = CannedTools(question)
        measured = MeasuredEngine(self._engine, name)
        watch = PlanWatch(_forced(measured, planner_says(question.scenario)))
        start = anyio.current_time()
        agent = Agent(watch, tools=canned.tools, planner=_PLANNER)
        answer = str(await agent.run(question.scenario.question))
        seconds = anyio.current_time() - start
        _check(canned.mistake(answer), measured)
        began = start if canned.began is None else canned.began
        return Asked(seconds, (began - watch.began) / (watch.ended - watch.began))

    async def _critical(self, question: Question) -> float:
        scenario = question.scenario
        texts = [*scenario.beginnings, scenario.plan, verdict(scenario)]
        counted = await lengths(self._engine, texts)
        return critical_seconds(
            scenario, _Seconds(median_pace(self.paces), counted, question.canned)
        )


async def measure(setting: Setting) -> list[Figure]:
    """Speed-ups over ReAct as shares of what the plans allow, and when the first tool starts."""
    asking = Asking(await setting.engine(), setting.sized(64, 24))
    questions = _questions(setting)
    compared = await asking.compared(questions, setting.sized(3, 1))
    paces = [asdict(pace) for pace in asking.paces]
    figures: list[Figure] = []
    for shape in dict.fromkeys(question.shape for question in questions):
        of_shape = [one for one in compared if one.name.startswith(shape)]
        figures += _figures(shape, of_shape, {"paces": paces})
    return figures


def _figures(shape: str, compared: Sequence[Compared], data: Mapping[str, Any]) -> list[Figure]:
    """Of the questions of one shape."""
    serial = [asked.seconds for one in compared for asked in one.react]
    planned = [asked.seconds for one in compared for asked in one.plan]
    best = [one.critical for one in compared for _ in one.plan]
    shares = [asked.first_tool for one in compared for asked in one.plan if asked.first_tool]
    gain, bound = ratio(serial, planned), ratio(serial, best)
    data = {**data, "questions": [asdict(one) for one in compared]}
    of_shape = f"LLMCompiler, {shape} shape"
    return [
        Figure(
            what=f"{of_shape}: speed-up",
            beside="ReAct",
            value=gain,
            goal=3.0 if shape == _MOVIE else None,
            detail=f"{statistics.median(planned):.2f} beside {statistics.median(serial):.2f} s",
            data=data,
        ),
        Figure(
            what=f"{of_shape}: share of the bound",
            beside="ReAct / critical path",
            value=ratio(best, planned),
            goal=0.9,
            unit="",
            detail=f"{gain:.2f}x of {bound:.2f}x; critical path {statistics.median(best):.2f} s",
            data=data,
        ),
        Figure(
            what=f"{of_shape}: first tool starts after a share of the plan",
            beside="the plan's end",
            value=statistics.median(shares),
            goal=1.0,
            better="less",
            unit="",
            detail=f"{min(shares):.2f} to {max(shares):.2f}",
            data={"shares": shares},
        ),
    ]


def _questions(setting: Setting) -> list[Question]:
    """One for each number of things that ParallelQA asks about, and eight films."""
    return [
        *(_about_places(width) for width in range(2, 2 + setting.sized(4, 1))),
        Question(_MOVIE, _about_films()),
    ]


def _about_places(width: int) -> Question:
    names = _PLACES[:width]
    asked = f"If {', '.join(names)} were each 10% larger, which of them would be the largest?"
    return Question(_PARALLEL_QA, searching(asked, names, names[0], calculates=True))


def _about_films() -> Scenario:
    seen, offered = _FILMS[:4], _FILMS[4:]
    asked = f"Find a film similar to {', '.join(seen)}. Options: {', '.join(offered)}."
    return searching(asked, _FILMS, offered[0], calculates=False)


def _forced(engine: Engine, script: Script) -> ForcedEngine:
    return ForcedEngine(engine, lambda context, sampling: Say(script(context, sampling)))


def _check(mistake: str, measured: MeasuredEngine) -> None:
    require(not mistake, mistake)
    measured.check()
