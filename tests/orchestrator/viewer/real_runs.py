"""Run folders for the page's tests: real runs on a fake engine, in virtual time, that look like those of a model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import anyio

from engines import Choice, Context, FakeEngine, Sampling
from evals.game24 import expression_of, move_lines, numbers_of, on_track, remaining
from orchestrator import Agent, tool
from planners import Call, GivenPlanner, Plan, Reduce, Reference, Template, Think
from reasoning import Answer, Check, GuidedSteps, ModelSteps, TreeSearch
from reasoning.searching.rules.beam import Beam
from tests.backends import run_virtually

# Everything that a page could obey.
HOSTILE = (
    "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    "<a href=\"javascript:document.title='taken'\">here</a> \x1b[31mred\x1b[0m \u202eback\u202c \x00 \u2028 "
    "{{ picture }}"
)


@tool
async def price(mill: str) -> float:
    """What a mill asks for a kilogram of flour."""
    return {"Nordmühle": 0.62, "Hofmann": 0.57}[mill]


@tool
async def demand(year: int) -> int:
    """Loaves that were sold in a year."""
    await anyio.sleep(1.4)
    return 84_600


@tool
async def freight(mill: str) -> float:
    """What a mill asks for a delivery."""
    await anyio.sleep(2.2)
    if mill == "Hofmann":
        raise RuntimeError("the carrier does not answer")
    return 85.0


def _text(*parts: str | int) -> Template:
    return Template(
        parts=tuple(Reference(node=str(part)) if isinstance(part, int) else part for part in parts)
    )


_PLAN = Plan(
    nodes=(
        Call(id="1", tool="price", arguments={"mill": "Nordmühle"}),
        Call(id="2", tool="price", arguments={"mill": "Hofmann"}),
        Call(id="3", tool="demand", arguments={"year": 2025}),
        Call(id="4", tool="freight", arguments={"mill": "Nordmühle"}),
        Call(id="5", tool="freight", arguments={"mill": "Hofmann"}),
        Think(
            id="6",
            prompt=_text("Flour costs ", 1, " a kg, a loaf needs 0.55 kg. What do ", 3, " loaves cost?"),
            method="self-consistency",
        ),
        Think(
            id="7",
            prompt=_text("Flour costs ", 2, " a kg, a loaf needs 0.55 kg. What do ", 3, " loaves cost?"),
            method="self-consistency",
        ),
        Think(
            id="8",
            prompt=_text("A delivery costs ", 4, ", and there are 52 a year. What do they cost?"),
            method="chain-of-thought",
        ),
        Reduce(id="9", inputs=("5", "6", "7", "8"), reducer="synthesise"),
    )
)  # fmt: skip

_QUESTION = (
    "A bakery buys flour from the Nordmühle and could buy it from Hofmann. "
    "Which of them is cheaper for as many loaves as last year, and by how much?"
)


async def _answers(context: Context, sampling: Sampling) -> str:
    chance = random.Random(context.path)
    await anyio.sleep(0.4 + chance.random() * 2)
    node = context.path.split("/")[1]
    if node == "9":
        return (
            "Hofmann is cheaper by 2,326.50 a year, if its freight is that of the Nordmühle, "
            "which nobody could tell."
        )
    if node == "8":
        return (
            "One delivery costs 85.00.\n\n52 of them cost 52 · 85.00 = 4,420.00.\n\n\\boxed{4420}"
        )
    cost, kilograms = (0.62, 46_530) if node == "6" else (0.57, 46_530)
    right = kilograms * cost
    value = right if chance.random() < 0.7 else right + chance.choice([-100, 250])
    steps = chance.choice(
        ["First the flour", "A loaf needs 0.55 kg", "We need the weight of all loaves"]
    )
    return (
        f"{steps}: 84,600 · 0.55 kg = {kilograms:,} kg.\n\n"
        f"At {cost} a kg that is {kilograms:,} · {cost} = {value:,.2f}."
        f"{' Let me check that again: it holds.' * chance.randrange(4)}\n\n\\boxed{{{value:.2f}}}"
    )


def plan_run(runs: Path) -> Path:
    """A plan of calls, threads and a reduction; one call fails."""
    engine = FakeEngine(_answers, seconds_per_token=0.012, latency=0.1)
    agent = Agent(
        engine,
        tools=[price, demand, freight],
        planner=GivenPlanner(given=_PLAN),
        on_failure="substitute",
        runs=runs,
    )
    run_virtually(lambda: agent.run(_QUESTION))
    return _only(runs)


def search_run(runs: Path, puzzle: str = "4 5 6 10", width: int = 8) -> Path:
    """A beam search for the Game of 24: most branches are passed over."""
    numbers = numbers_of(puzzle)

    def moves(thought: str) -> Choice | None:
        left = remaining(numbers, thought)
        return move_lines(left) if left is not None and len(left) > 1 else None

    def promise(thought: Answer) -> float:
        chance = random.Random(thought.text)
        return round((0.6 if on_track(numbers, thought.text) else 0.05) + chance.random() * 0.35, 3)

    async def step(context: Context, sampling: Sampling) -> str:
        chance = random.Random(context.path)
        await anyio.sleep(0.2 + chance.random())
        constraint = sampling.constraint
        assert isinstance(constraint, Choice)
        return chance.choice(constraint.options)

    search = TreeSearch(
        rule=Beam(beam_width=2),
        scorer=Check(check=promise),
        stepper=GuidedSteps(
            constraint=moves,
            answer=lambda thought: expression_of(numbers, thought),
            steps=ModelSteps(sampling=Sampling(temperature=1.0, seed=1), ends=()),
        ),
        width=width,
        instruction="\n\nMake 24 of these numbers by + - * /, one move a line.",
    )
    plan = Plan(nodes=(Think(id="puzzle", prompt=puzzle),))
    engine = FakeEngine(step, seconds_per_token=0.02, latency=0.05)
    agent = Agent(engine, planner=GivenPlanner(given=plan), method=search, runs=runs)
    run_virtually(lambda: agent.run(f"Make 24 of {puzzle}."))
    return _only(runs)


def hostile_run(runs: Path) -> Path:
    """A run whose every text would do something, were it obeyed."""

    @tool
    async def broken(text: str) -> str:
        """Fails with what it was given."""
        raise RuntimeError(HOSTILE)

    nodes: tuple[Any, ...] = (
        Call(id="a", tool="broken", arguments={"text": HOSTILE}),
        Think(id="b", prompt=f"think of {HOSTILE}", method="self-consistency"),
    )
    agent = Agent(
        FakeEngine(f"{HOSTILE} \\boxed{{{HOSTILE}}}"),
        tools=[broken],
        planner=GivenPlanner(given=Plan(nodes=nodes)),
        on_failure="substitute",
        runs=runs,
    )
    run_virtually(lambda: agent.run(f"What is {HOSTILE}?"))
    return _only(runs)


def _only(runs: Path) -> Path:
    (folder,) = (path for path in runs.iterdir() if path.is_dir())
    return folder
