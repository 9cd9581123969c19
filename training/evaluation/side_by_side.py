"""Systems on the same problems of a task: measured at the same time, and told in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from engines import Engine
from evals import System

from .at_once import at_once
from .measuring import Asked, measured, of_both_models
from .part import Options, Table
from .systems_table import systems_table
from .telling import SamplesTold


async def side_by_side(
    engine: Engine,
    options: Options,
    systems: Mapping[str, System],
    asked: Asked,
    *,
    part: str,
    title: str,
    notes: Sequence[str] = (),
) -> Table:
    """Measures systems on the model at hand.

    Args:
        engine: Runs them.
        options: What is asked of the part.
        systems: By their names; the first is what the others are compared with.
        asked: On which problems.
        part: The folder of their evaluations in that of the whole evaluation.
        title: What the table shows.
        notes: What a reader has to know of it.

    Returns:
        The table of all that is in the folder: where the plain model has been measured there, of both models.

    Raises:
        ForkjoinError: See `measured`.
    """
    measure = partial(measured, engine, options, part=part, watcher=SamplesTold(part))
    own = await at_once(
        [partial(measure, system, [asked], name=name) for name, system in systems.items()]
    )
    several = of_both_models(own, options, part, [*systems])
    return systems_table(title, asked.task.name, several, first=own[0], notes=notes)
