"""Asking a model for JSON where a planner can do without the answer: what goes wrong is data, and not raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engines import (
    Context,
    Engine,
    ForkjoinError,
    InvalidOutput,
    RunError,
    Sampling,
    ask_json,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[T]):
    """What came of it.

    Attributes:
        value: What the model wrote; None if there was a problem.
        context: Ends with the answer, or as the question did.
        critical_path: Tokens generated one after another, in vain too.
        error: What went wrong; None if nothing did.
    """

    value: T | None
    context: Context
    critical_path: int
    error: ForkjoinError | None = None

    @property
    def problem(self) -> str:
        """What went wrong, for a person; empty if nothing."""
        return "" if self.error is None else str(self.error)

    @property
    def unfit(self) -> bool:
        """Whether the model answered, and not as it was asked to: another try may do."""
        return isinstance(self.error, InvalidOutput)


async def ask(
    engine: Engine,
    context: Context,
    schema: Mapping[str, Any],
    sampling: Sampling,
    *,
    check: Callable[[Any], T],
    attempts: int,
) -> Asked[T]:
    """`ask_json`, of which nothing but the end of the run is raised."""
    try:
        answer = await ask_json(engine, context, schema, sampling, check=check, attempts=attempts)
    except RunError:
        raise
    except ForkjoinError as error:
        tokens = error.tokens if isinstance(error, InvalidOutput) else 0
        return Asked(value=None, context=context, critical_path=tokens, error=error)
    return Asked(value=answer.value, context=answer.context, critical_path=answer.critical_path)
