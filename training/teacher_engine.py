"""An engine in the place of the model: it says what the teacher says, and writes down what it was asked.

lesson ─> method ─> prompt ─┬─> reply ─> the method goes on
                            └─> unit: the prompt's ids, the reply's ids
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import anyio

from engines import (
    STREAMED,
    Capabilities,
    Choice,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineStatistics,
    JsonSchema,
    Role,
    Sampling,
    Segment,
    Usage,
    single_error,
)
from engines.turn_encoder import TurnEncoder

from .lesson import Lesson, Reply, Said
from .unit import Unit

_MODEL = "teacher"
# Of SmolLM2.
_WINDOW = 8192
_KINDS = frozenset({"choice", "regex", "json", "grammar"})
_TEXTS_REMEMBERED = 4096
_MOST_SHOWN = 80


class WrongReply(Exception):
    """A teacher says what no model could: too much, or not what a constraint leaves.

    Outside of the tree of errors, which a method would take for a branch that failed, and go on.
    """


class TeacherEngine(Engine):
    """Says what a teacher says, in the tokens of a real tokenizer.

    Args:
        reply: The teacher.
        tokenizer: Of transformers.

    Attributes:
        units: One for each call so far.
    """

    def __init__(self, reply: Reply, tokenizer: Any) -> None:
        self.units: list[Unit] = []
        self._reply = reply
        self._tokenizer = _remembering(tokenizer)
        self._encoder = self._tokenizer.turns

    @property
    def model(self) -> str:
        """The name `teacher`."""
        return _MODEL

    @property
    def capabilities(self) -> Capabilities:
        """As of the embedded model in vLLM."""
        return Capabilities(token_ids=True, constraints=_KINDS, window=_WINDOW, block_size=32)

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Says the reply in one chunk, as vLLM would: the ids with what ended the call, the text without."""
        said = self._reply(context, sampling)
        if isinstance(said, str):
            said = Said(said)
        text, stop = _until_stop(said.text, sampling.stop)
        ids = self._ids(text + (stop or ""), context, sampling, ended=stop is not None)
        unit = Unit(context.token_ids, ids, said.learned)
        self.units.append(unit)
        usage = Usage(prompt_tokens=len(unit.context), generated_tokens=len(ids))

        async def chunks() -> AsyncIterator[Chunk]:
            await anyio.lowlevel.checkpoint()
            yield Chunk(
                text=text, token_ids=ids, usage=usage, finish_reason="stop", stop_reason=stop
            )

        yield chunks()

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Encodes as every engine in this process does."""
        return self._encoder.encode(text, role, after)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Decodes as every engine in this process does."""
        return self._encoder.decode(token_ids)

    async def statistics(self) -> EngineStatistics:
        """Nothing runs, ever."""
        return EngineStatistics(
            running=0, waiting=0, kv_usage=0.0, prompt_tokens=0, generated_tokens=0
        )

    async def aclose(self) -> None:
        """Does nothing."""

    def _ids(
        self, text: str, context: Context, sampling: Sampling, *, ended: bool
    ) -> tuple[int, ...]:
        _check_constraint(text, context, sampling)
        ids = self._tokenizer.encode(text)
        if len(ids) > sampling.max_tokens:
            raise WrongReply(
                f"{context.path}: the reply has {len(ids)} tokens, and {sampling.max_tokens} may be generated: "
                f"{_shown(text)}"
            )
        if not ended:
            # Where only this one token has no room, as after a digit that was to be chosen, nothing is lost.
            ids = (*ids, self._tokenizer.end)[: sampling.max_tokens]
        return ids


async def units_of(lesson: Lesson, tokenizer: Any) -> list[Unit]:
    """The calls of a lesson.

    Raises:
        WrongReply: At one of them the teacher says what no model could.
    """
    engine = TeacherEngine(lesson.reply, tokenizer)
    # Task groups wrap what ends them.
    with single_error():
        await lesson.solve(engine)
    return engine.units


class _Remembering:
    """A tokenizer that remembers: marks of turns and instructions come again in every lesson."""

    def __init__(self, tokenizer: Any) -> None:
        self.chat_template = tokenizer.chat_template
        self.apply_chat_template = tokenizer.apply_chat_template
        self.end: int = tokenizer.eos_token_id
        self.turns = TurnEncoder(self, _MODEL)
        self.encode = lru_cache(_TEXTS_REMEMBERED)(self._encode)
        self.decode = tokenizer.decode
        # What transformers puts around it takes as long again.
        self._inner = tokenizer.backend_tokenizer

    def _encode(self, text: str, *, add_special_tokens: bool = False) -> tuple[int, ...]:
        return tuple(self._inner.encode(text, add_special_tokens=add_special_tokens).ids)


# Of one tokenizer in a process.
_remembering = lru_cache(maxsize=1)(_Remembering)


def _until_stop(text: str, stops: Sequence[str]) -> tuple[str, str | None]:
    found = [(text.find(stop), stop) for stop in stops if stop in text]
    place, stop = min(found, default=(len(text), None))
    return text[:place], stop


def _check_constraint(text: str, context: Context, sampling: Sampling) -> None:
    """A teacher has to keep what the model will be held to; regular expressions and grammars are for tests to check."""
    constraint = sampling.constraint
    if isinstance(constraint, Choice) and text not in constraint.options:
        wrong = f"is none of the choices {', '.join(map(repr, constraint.options))}"
    elif isinstance(constraint, JsonSchema) and not _is_json(text):
        wrong = "is no JSON, which is asked for"
    else:
        return
    raise WrongReply(f"{context.path}: the reply {_shown(text)} {wrong}")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")
