"""Runs on a fake engine, in virtual time, for the tests of pictures: each is made once and never written again."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anyio

from engines import Context, FakeEngine, RetryPolicy, Sampling
from orchestrator import Agent, CallPolicy, tool
from orchestrator.viewer.run_picture import RunPicture
from planners import Call, GivenPlanner, Plan, Reduce, Reference, Template, Think
from reasoning import Answer, Check, ModelSteps, TreeSearch
from reasoning.searching.rules.beam import Beam
from tests.backends import run_virtually
from tests.orchestrator.killed_run import luck

ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


@tool
async def slow_sum(a: int, b: int) -> int:
    """Adds, and takes its time."""
    await anyio.sleep(3)
    return a + b


@tool
async def breaks() -> None:
    """Raises."""
    raise ValueError("no luck")


PLAN = Plan(
    nodes=(
        Call(id="sum", tool="slow_sum", arguments={"a": 1, "b": 2}),
        Call(id="bad", tool="breaks"),
        Think(id="votes", prompt=Template(parts=("Is it ", Reference(node="sum"), "?")), method="self-consistency"),
        Think(id="quick", prompt="And else?"),
        Reduce(id="end", inputs=("votes", "quick", "bad"), reducer="synthesise"),
    )
)  # fmt: skip


async def said(context: Context, sampling: Sampling) -> str:
    """Takes longer for some paths, and says what depends on them."""
    digest = luck(context.path, sampling.seed)
    await anyio.sleep(1 + digest[0] % 3)
    return f"I think of {context.path}. \\boxed{{{digest[1] % 2}}}"


def agent_for(runs: Path, **options: Any) -> Agent:
    """An agent that carries out the plan."""
    plain: dict[str, Any] = {
        "planner": GivenPlanner(given=PLAN),
        "tools": [slow_sum, breaks],
        "calls": ONCE,
        "runs": runs,
    }
    return Agent(FakeEngine(said, seconds_per_token=0.01), **{**plain, **options})


def promise(thought: Answer) -> float:
    """The score of a step."""
    return luck(thought.text)[0] / 256


async def step(context: Context, sampling: Sampling) -> str:
    """A step of a search, or its end."""
    digest = luck(context.path, sampling.seed)
    await anyio.sleep(1 + digest[0] % 3)
    end = "\\boxed{4}" if context.path.count("step-") > 2 else "on\n\n"
    return f"It is {digest[1]}, {end}"


def search() -> TreeSearch:
    """A beam search of a few waves."""
    return TreeSearch(
        rule=Beam(beam_width=2),
        scorer=Check(check=promise),
        stepper=ModelSteps(sampling=Sampling(seed=5)),
        width=6,
        max_depth=4,
    )


@cache
def plan_run() -> Path:
    """A run of a plan in which a tool fails."""
    return _made(lambda runs: run_virtually(lambda: agent_for(runs).run("Well?")))


@cache
def search_run() -> Path:
    """A run of one search."""

    def make(runs: Path) -> None:
        engine = FakeEngine(step, seconds_per_token=0.01)
        agent = Agent(engine, planner="single", method=search(), runs=runs, calls=ONCE)
        run_virtually(lambda: agent.run("How much?"))

    return _made(make)


@cache
def killed_and_resumed_run() -> Path:
    """A run of the plan that was stopped in the middle, and gone on with."""

    def make(runs: Path) -> None:
        async def begin() -> None:
            with anyio.move_on_after(5.5):
                await agent_for(runs).run("Well?")

        run_virtually(begin)
        events = only(runs) / "events.jsonl"
        # Who is killed says nothing of it, and may be in the middle of a line.
        kept = [
            line for line in events.read_text().splitlines(True) if '"run-finished"' not in line
        ]
        events.write_text("".join(kept[:-4]) + kept[-4][:20])
        run_virtually(lambda: agent_for(runs).resume(only(runs)))

    return _made(make)


def only(runs: Path) -> Path:
    """The one folder there is."""
    (folder,) = (path for path in runs.iterdir() if path.is_dir())
    return folder


def picture_of(folder: Path) -> tuple[RunPicture, dict[str, Any]]:
    """A run's picture, and all of its data."""
    picture = RunPicture(folder)
    picture.look()
    return picture, picture.data()


def by_id(entities: list[dict[str, Any]]) -> Mapping[Any, dict[str, Any]]:
    """Entities by their ids."""
    return {entity["id"]: entity for entity in entities}


def _made(make: Any) -> Path:
    runs = Path(tempfile.mkdtemp(prefix="forkjoin-viewed-"))
    atexit.register(shutil.rmtree, runs, ignore_errors=True)
    make(runs)
    return only(runs)
