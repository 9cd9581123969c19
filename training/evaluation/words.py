"""Word problems: planned with calculator tools by an agent, and in one chain, by the plain and the trained model.

held-out templates   ─┬─> ChainOfThought ───────┬─> a table of each
GSM8K test, 200 rows ─┴─> LLMCompiler and tools ┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from engines import Engine
from evals import System, task_named
from evals.task import READ_AS_IT_STANDS
from examples.arithmetic import TOOLS
from reasoning import ChainOfThought

from ..skills import word_problems
from .at_once import at_once
from .measuring import GREEDY, Asked, plans, thinks
from .part import Options, Table
from .side_by_side import side_by_side

_ASKED = {
    "words": Asked(task=word_problems.TASK, problems=200),
    # As it stands, like the others: a planner is not told how a text has to end.
    "gsm8k": Asked(
        task=replace(task_named("gsm8k"), prompt=READ_AS_IT_STANDS),
        problems=200,
        file="gsm8k_test.jsonl",
    ),
}
_TITLES = {
    "words": "Word problems of held-out templates",
    "gsm8k": "GSM8K test, its first rows; nothing was trained on it",
}


async def measure(engine: Engine, options: Options) -> Sequence[Table]:
    """Measures the model at hand; the tables have both models once both are there."""
    # Plans are sampled as by default, repeatably.
    seeded = GREEDY.model_copy(update={"seed": options.seed})
    systems: dict[str, System] = {
        "chain": thinks(ChainOfThought(sampling=GREEDY)),
        "agent with tools": plans(word_problems.PLANNED, TOOLS, seeded),
    }
    return await at_once(
        [
            partial(side_by_side, engine, options, systems, asked, part=part, title=_TITLES[part])
            for part, asked in _ASKED.items()
        ]
    )
