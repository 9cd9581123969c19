"""What an answer becomes for a program: a value of a type, read from what is there or asked of the model.

answer ─> of the type already? ─ no ─> one more call, which goes on from the answer ─> value

It knows types as pydantic and JSON Schema know them, and neither runs nor budgets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from typing_extensions import TypeForm, TypeVar

from engines import Context, Engine, Sampling, UsageError, ask_json, converse
from reasoning import Answer

from .json_schemas import schema_problem, value_problem

T = TypeVar("T", default=str)

OUTPUT = "(output)"
"""What the calls that put an answer into its type are booked under; no node can be called so."""

# What chat models put around JSON, whatever they are told.
_FENCED = re.compile(r"\s*```(?:json)?\s(.*)```\s*", re.DOTALL)
_ATTEMPTS = 3
_MOST_PROBLEMS = 3
_MOST_CHARACTERS = 80


class OutputType(Generic[T]):
    """A type that answers become.

    Args:
        kind: Whatever pydantic's `TypeAdapter` takes: a model, `int`, `list[str]`, `Literal["yes", "no"]`.

    Attributes:
        name: As people write it.
        schema: The JSON Schema of its values.

    Raises:
        UsageError: It has no JSON Schema.

    >>> OutputType(list[int]).of_text("[1, 2]")
    [1, 2]
    """

    def __init__(self, kind: TypeForm[T]) -> None:
        named = isinstance(kind, type) and not hasattr(kind, "__origin__")
        self.name: str = getattr(kind, "__name__", "") if named else str(kind)
        try:
            self._adapter: TypeAdapter[T] = TypeAdapter(kind)
            self.schema = self._adapter.json_schema()
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(
                f"{self.name} cannot be an output type: {reason}; use a pydantic model, or types that JSON knows"
            ) from None

    def of_data(self, data: Any) -> T:
        """The value that JSON data stand for.

        Raises:
            ValueError: They stand for none; it says where and why, in one line.
        """
        return self.of_text(json.dumps(data))

    def of_text(self, text: str) -> T:
        """The value that JSON stands for; raises what `of_data` raises."""
        try:
            # Models write halves of surrogate pairs at times.
            return self._adapter.validate_json(text.encode("utf-8", "replace"))
        except ValidationError as error:
            raise ValueError(_located(error)) from None

    def found(self, answer: Answer, data: Any) -> T:
        """The value where an answer is of the type already, as it stands or as other nodes get it.

        Raises:
            ValueError: It is not.
        """
        for text in self._forms(answer, data):
            try:
                return self.of_text(text)
            except ValueError:
                continue
        raise ValueError(f"the answer is no {self.name}")

    def _forms(self, answer: Answer, data: Any) -> tuple[str, ...]:
        """Where the value may stand, what is preferred first."""
        return json.dumps(data), *_written(answer)


class SchemaType(OutputType[Any]):
    """The values of a JSON Schema, as JSON data.

    Args:
        schema: Refers to nothing outside of it.

    Raises:
        UsageError: It is none.

    >>> SchemaType({"type": "array", "items": {"type": "integer"}}).of_text("[1, 2]")
    [1, 2]
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        title = schema.get("title")
        line = " ".join(title.split())[:_MOST_CHARACTERS] if isinstance(title, str) else ""
        self.name = line or "value of the schema"
        self.schema = dict(schema)
        if problem := schema_problem(schema):
            raise UsageError(f"the JSON Schema of the output {problem}")

    def of_text(self, text: str) -> Any:
        """The value that JSON stands for; raises what `of_data` raises."""
        try:
            value = json.loads(text.encode("utf-8", "replace"), parse_constant=_refuse)
        except RecursionError:
            raise ValueError("it is too deep") from None
        if problem := value_problem(value, self.schema):
            raise ValueError(problem)
        return value

    def _forms(self, answer: Answer, data: Any) -> tuple[str, ...]:
        # Many schemas take any text, and the text of an answer that is JSON is not what they mean.
        return *_written(answer), json.dumps(data)


def output_type_of(kind: Any) -> OutputType[Any] | None:
    """The type as `Agent` takes it; None for text, which an answer is already.

    Raises:
        UsageError: It cannot be an output type.
    """
    if isinstance(kind, Mapping):
        return SchemaType(kind)
    return None if kind is None or kind is str else OutputType(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Generic[T]):
    """A value, and what it took.

    Attributes:
        value: Of the type that was asked for.
        critical_path: Tokens that were generated for it one after another; none where the answer was of the type.
    """

    value: T
    critical_path: int = 0


async def output_of(
    answer: Answer,
    data: Any,
    kind: OutputType[T],
    *,
    root: Context,
    engine: Engine,
    sampling: Sampling,
) -> Output[T]:
    """Makes an answer a value of a type.

    Args:
        answer: What was found.
        data: The same as JSON data.
        kind: The type.
        root: The question, for an answer that no thread gave.
        engine: Asked where the answer is not of the type already, under its schema where it can enforce one.
        sampling: Its limit and its seed are used.

    Raises:
        InvalidOutput: The model did not write a value of the type, however often it was asked.
        EngineError: The engine failed.
        BudgetExhausted: There is not enough left of the budget.
    """
    try:
        return Output(value=kind.found(answer, data))
    except ValueError:
        question = await _question(answer, kind, root, engine)
    # To copy out needs no luck; another attempt has another prompt.
    greedy = Sampling(max_tokens=sampling.max_tokens, temperature=0, seed=sampling.seed)
    asked = await ask_json(
        engine, question, kind.schema, greedy, check=kind.of_data, attempts=_ATTEMPTS
    )
    return Output(value=asked.value, critical_path=asked.critical_path)


async def _question(
    answer: Answer, kind: OutputType[Any], root: Context, engine: Engine
) -> Context:
    """Asks for the value after the thread that gave the answer, whose KV cache is there; else after the question."""
    text = "Give this answer as JSON."
    if "json" in engine.capabilities.constraints:
        # Enforced, a schema says nothing of what its fields mean.
        text += f" Its schema:\n{json.dumps(kind.schema, ensure_ascii=False)}"
    if answer.context is None:
        text = f"\n\nThis answer was found:\n{answer.text.strip()}\n\n{text}"
    return await converse(engine, [("user", text)], after=answer.context or root, name=OUTPUT)


def _written(answer: Answer) -> tuple[str, str]:
    """An answer's text, and what stands in it where that is a block of code."""
    fenced = _FENCED.fullmatch(answer.text)
    return answer.text, fenced[1] if fenced else ""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _located(error: ValidationError) -> str:
    """What is wrong, and where, in one line."""
    problems = error.errors(include_url=False)
    told = []
    for problem in problems[:_MOST_PROBLEMS]:
        place = ".".join(map(str, problem["loc"]))
        given = repr(problem["input"])
        short = given if len(given) <= _MOST_CHARACTERS else f"{given[:_MOST_CHARACTERS]}..."
        told.append(f"{f'at {place}: ' if place else ''}{problem['msg']}, not {short}")
    more = len(problems) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
