"""Outline: a goal, its parts side by side, a conclusion; Multiverse for any model (Yang et al. 2025, prompted).

              ┌─> part 1 ───────────────────┐
question ─────┼─> part 2 ─┬─> part 2.1 ─┐   ├─> conclusion
  goal, parts │           └─> part 2.2 ─┴─> │
              └─> part 3 ───────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import anyio

from engines import Context, Engine, Sampling, converse, single_error

from .asking import Asked, ask
from .goal import Goal, Part, goal_schema, labels, read_goal
from .options import check_least
from .plan import Reduce, Think
from .planner import PlanSink
from .validation import PlanChecker, Vocabulary

_INSTRUCTIONS = """

Do not answer yet. Split the work into parts, at most {most}, that can be worked on at the same time: none may need \
the result of another. Write JSON: "goal" says in a sentence what is to be reached; "outlines" is the list of parts. \
A part has a "task", which says all that is to be done, and "split": true if it is so large that it should be split \
again. What cannot be split is one part."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Has the model name the parts of the work, gives each a thread, and merges what they find in their order.

    Attributes:
        sampling: How to sample outlines; a seed is made each branch's own.
        most: The most parts of the work, and of each part.
        max_depth: How deep parts are split: 1 splits the work only, 2 parts of it too.
        attempts: How often the model is asked for an outline that does not fit.
        method: How threads think: a method's name; None is the run's.
        reducer: What merges the parts of the work, and of a part.

    Raises:
        UsageError: There is no part, depth or attempt.
    """

    sampling: Sampling = Sampling(max_tokens=1024)
    most: int = 6
    max_depth: int = 2
    attempts: int = 3
    method: str | None = None
    reducer: str = "synthesise"

    def __post_init__(self) -> None:
        """Refuses what could not plan anything."""
        check_least(self, most=1, max_depth=1, attempts=1)

    def with_seed(self, seed: int | None) -> Outline:
        """The same with a seed for sampling."""
        return replace(self, sampling=self.sampling.model_copy(update={"seed": seed}))

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        """Sends a thread a part as soon as the part is known; without parts, one thread for all.

        Returns:
            The tokens that it generated one after another.

        Raises:
            PlanError: The method or the reducer does not exist.
        """
        # One node is left for the conclusion.
        room = vocabulary.max_nodes - 1
        most = min(self.most, room)
        if most < 2:
            sink.node(Think(id="1", method=self.method))
            return 0
        self._check_names(vocabulary)
        writing = _Writing(planner=self, engine=engine, sink=sink)
        instructions = _INSTRUCTIONS.format(most=most)
        prompt = await converse(
            engine, [("user", f"Question: {question}{instructions}")], name="outline"
        )
        asked = await writing.ask(prompt, most, depth=1)
        if asked.value is None:
            sink.remark(f"one thread answers, since no outline can be used: {asked.problem}")
        if asked.value is None or len(asked.value.parts) < 2:
            sink.node(Think(id="1", method=self.method))
            return asked.critical_path
        block = _Block(goal=asked.value, context=asked.context, room=room - len(asked.value.parts))
        with single_error():
            return asked.critical_path + await writing.send(block)

    def _check_names(self, vocabulary: Vocabulary) -> None:
        """Refuses what no node may name, before anything is spent."""
        checker = PlanChecker(vocabulary)
        checker.check(Think(id="1", method=self.method))
        checker.check(Reduce(id="2", inputs=("1",), reducer=self.reducer))


@dataclass(frozen=True, kw_only=True)
class _Block:
    """The work, or a part of it that is split.

    Attributes:
        goal: Its parts.
        context: The conversation in which they were named.
        room: So many nodes may be made of parts of its parts.
        label: Of the part; empty for the whole.
        task: What is to be done in the part; empty for the whole.
        above: What the blocks around it have listed.
        depth: Of its parts; those of the whole are at 1.
    """

    goal: Goal
    context: Context
    room: int
    label: str = ""
    task: str = ""
    above: str = ""
    depth: int = 1

    @property
    def listed(self) -> str:
        """What all threads in this block are told first, so that it is computed once."""
        return f"{self.above}{self.goal.listed(self.label)}\n\n"


@dataclass(frozen=True, kw_only=True)
class _Writing:
    """A plan that is being written."""

    planner: Outline
    engine: Engine
    sink: PlanSink

    async def ask(self, prompt: Context, most: int, depth: int) -> Asked[Goal]:
        planner = self.planner
        return await ask(
            self.engine,
            prompt,
            goal_schema(most, may_split=depth < planner.max_depth),
            planner.sampling,
            check=read_goal,
            attempts=planner.attempts,
        )

    async def send(self, block: _Block) -> int:
        """Sends a block's threads, and its conclusion when all of them are there; returns the critical path."""
        self.sink.text(block.listed)
        parts = list(zip(labels(block.goal.parts, block.label), block.goal.parts, strict=True))
        may_split = block.depth < self.planner.max_depth
        split = [(label, part) for label, part in parts if part.split and may_split]
        room = block.room // max(1, len(split))
        if room < 2:
            split = []
        paths = [0]

        async def divide(label: str, part: Part) -> None:
            paths.append(await self._divide(block, label, part, room))

        async with anyio.create_task_group() as group:
            for label, part in parts:
                if (label, part) in split:
                    group.start_soon(divide, label, part)
                else:
                    self._think(block, label, part)
        self._conclude(block, tuple(label for label, _ in parts))
        return max(paths)

    async def _divide(self, around: _Block, label: str, part: Part, room: int) -> int:
        """Splits a part again; one that cannot be split gets a thread like any other."""
        most = min(self.planner.most, room)
        request = f"Now split part {label} in the same way, into at most {most} parts: {part.task}"
        prompt = await converse(
            self.engine, [("user", request)], after=around.context, name=f"part-{label}"
        )
        asked = await self.ask(prompt, most, around.depth + 1)
        if asked.value is None:
            self.sink.remark(f"part {label} is not split: {asked.problem}")
        if asked.value is None or len(asked.value.parts) < 2:
            self._think(around, label, part)
            return asked.critical_path
        block = _Block(
            goal=asked.value,
            context=asked.context,
            room=room - len(asked.value.parts),
            label=label,
            task=part.task,
            above=around.listed,
            depth=around.depth + 1,
        )
        return asked.critical_path + await self.send(block)

    def _think(self, block: _Block, label: str, part: Part) -> None:
        prompt = f"{block.listed}Work on part {label} only: {part.task}"
        self.sink.node(Think(id=label, prompt=prompt, method=self.planner.method))

    def _conclude(self, block: _Block, parts: tuple[str, ...]) -> None:
        """The conclusion of the whole answers the question, that of a part its task."""
        prompt = f"{block.listed}Conclude part {block.label} only: {block.task}"
        self.sink.node(
            Reduce(
                id=block.label or str(len(parts) + 1),
                inputs=parts,
                reducer=self.planner.reducer,
                prompt=prompt if block.label else "",
            )
        )
