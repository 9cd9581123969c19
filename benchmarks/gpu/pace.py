"""How fast an engine writes for a single caller, measured, to tell how long something would take at best."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import anyio

from engines import STREAMED, Engine, Sampling, converse

from .errors import require
from .measured import MeasuredEngine


@dataclass(frozen=True, slots=True)
class EnginePace:
    """The pace of one call that runs alone.

    Attributes:
        first_token: Seconds until its first token.
        token: Seconds for each further one.
    """

    first_token: float
    token: float

    def writing(self, tokens: int) -> float:
        """Seconds from a call to the last of so many tokens."""
        return self.first_token + self.token * (tokens - 1)


async def pace_of(engine: Engine, tokens: int, name: str) -> EnginePace:
    """Measures it by a call of one token and one of so many, since an engine in a hurry delivers many tokens at once.

    Args:
        engine: Whose.
        tokens: At least 2.
        name: Unlike that of all other runs on it.

    Raises:
        Mismeasured: Fewer tokens came, or something else kept the machine busy.
    """
    one = await _seconds(MeasuredEngine(engine, f"{name}, one token"), 1)
    many = await _seconds(MeasuredEngine(engine, f"{name}, many tokens"), tokens)
    require(one < many, f"1 token took {one:.3f} s, and {tokens} took {many:.3f} s")
    return EnginePace(first_token=one, token=(many - one) / (tokens - 1))


def median_pace(paces: Sequence[EnginePace]) -> EnginePace:
    """The median of each of its times.

    >>> median_pace([EnginePace(0.5, 0.25), EnginePace(0.5, 0.5), EnginePace(2.5, 0.75)])
    EnginePace(first_token=0.5, token=0.5)
    """
    return EnginePace(
        statistics.median(pace.first_token for pace in paces),
        statistics.median(pace.token for pace in paces),
    )


async def lengths(engine: Engine, texts: Iterable[str]) -> dict[str, int]:
    """How many tokens the model has to write for each text."""
    opened = await converse(engine, [("user", "?"), ("assistant", "")])
    return {
        text: len((await engine.encode(text, role="assistant", after=opened)).token_ids or ())
        for text in texts
    }


async def _seconds(engine: MeasuredEngine, tokens: int) -> float:
    question = "Split a question into steps, and write them down."
    context = await converse(engine, [("user", question), ("assistant", "")])
    start = anyio.current_time()
    await engine.generate(context, Sampling(max_tokens=tokens, ignore_eos=True), STREAMED)
    seconds = anyio.current_time() - start
    engine.check()
    return seconds
