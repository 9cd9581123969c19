"""Answers of a given shape: the model writes JSON, and what does not fit is sent back to it with what is wrong.

context ─> JSON, under the schema where the engine enforces it ─> check ─> value
             ^                                                      │
             └───────────── what is wrong, a seed of its own ───────┘

It does not know what the values mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .completion import Completion, Usage
from .context import Context
from .engine import Engine, converse
from .errors import InvalidOutput, UsageError
from .json_text import read_json
from .sampling import JsonSchema, Sampling

T = TypeVar("T")

_MOST_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Structured(Generic[T]):
    """An answer of the shape that was asked for.

    Attributes:
        value: What the check made of it.
        context: Ends with the answer, so that the conversation can go on.
        usage: The cost of all attempts.
        critical_path: Tokens generated one after another, in all attempts.
    """

    value: T
    context: Context
    usage: Usage
    critical_path: int


async def ask_json(
    engine: Engine,
    context: Context,
    schema: Mapping[str, Any],
    sampling: Sampling,
    *,
    check: Callable[[Any], T],
    attempts: int = 3,
) -> Structured[T]:
    """Has the model answer with JSON that fits a schema and a check.

    Where the engine does not enforce the schema, it is shown to the model, and the answer may stand among other text.
    An answer that does not fit stays in the conversation, followed by what is wrong with it; one that was cut, or is
    empty, is asked for anew. Each attempt is a fork with a seed of its own.

    Args:
        engine: Answers.
        context: The question, which ends in the user's turn. Two such calls need contexts of different names.
        schema: A JSON Schema.
        sampling: How to sample each attempt; its constraint is replaced, a seed is made the branch's own.
        check: Makes the value of JSON data that fits the schema; a ValueError says what is wrong with it, and where.
        attempts: How often the model is asked, at least once.

    Raises:
        InvalidOutput: No answer fits; it says what is wrong with the last.
        EngineError: As the engine does.
        UsageError: There is no attempt.
    """
    if attempts < 1:
        raise UsageError(f"{attempts} attempts ask nothing: at least 1 is needed")
    asking = await _Asking.begin(engine, context, schema, sampling)
    prompt = await converse(engine, [("assistant", "")], after=asking.question)
    usage = Usage()
    attempt = 1
    while True:
        completion = await engine.generate(prompt, asking.sampling.for_branch(prompt.path))
        usage += completion.usage
        try:
            value = check(read_json(completion.text, schema))
        except ValueError as error:
            problem = _told(error, completion)
        else:
            return Structured(
                value=value,
                context=completion.context,
                usage=usage,
                critical_path=usage.generated_tokens,
            )
        if attempt == attempts:
            raise InvalidOutput(problem, attempts, usage.generated_tokens)
        attempt += 1
        prompt = await asking.again(completion, problem, f"attempt-{attempt}")


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """A question that may be asked again."""

    engine: Engine
    question: Context
    sampling: Sampling

    @classmethod
    async def begin(
        cls, engine: Engine, context: Context, schema: Mapping[str, Any], sampling: Sampling
    ) -> _Asking:
        if "json" in engine.capabilities.constraints:
            constraint = JsonSchema(definition=dict(schema))
            constrained = sampling.model_copy(update={"constraint": constraint})
            return cls(engine=engine, question=context, sampling=constrained)
        shown = f"\n\nAnswer with JSON of this schema, and nothing else:\n{json.dumps(schema)}"
        question = await converse(engine, [("user", shown)], after=context)
        free = sampling.model_copy(update={"constraint": None})
        return cls(engine=engine, question=question, sampling=free)

    async def again(self, completion: Completion, problem: str, name: str) -> Context:
        # What is endless or empty teaches the model nothing, and may leave no room for another answer.
        useful = completion.text.strip() and not completion.truncated
        before = completion.context if useful else self.question
        request = f"\n\nAn answer could not be used: {problem}. Write the JSON again, and be brief."
        return await converse(
            self.engine, [("user", request), ("assistant", "")], after=before, name=name
        )


def _told(error: ValueError, completion: Completion) -> str:
    """What is wrong, in one line."""
    problem = " ".join(str(error).split())[:_MOST_CHARACTERS]
    if completion.truncated:
        return f"it was cut after {completion.usage.generated_tokens} tokens, and {problem}"
    return problem
