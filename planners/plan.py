"""Plans: what to call, what to think and how to merge, as data.

A node is a call, a thread of thought or a reduction. It names its inputs through typed references, and may refer to
nodes before it only, so a plan is a DAG in an order that can be run. Pure data: it can be logged, sent and stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
)
from typing_extensions import TypeAliasType

NodeId = Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=64)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _if_marked(mark: str) -> BeforeValidator:
    """Takes only dictionaries that have the key `mark`: any other is a literal argument, whatever its keys."""

    def check(value: Any) -> Any:
        if isinstance(value, dict) and mark not in value:
            raise ValueError(f"no {mark}")
        return value

    return BeforeValidator(check)


class Reference(_Frozen):
    """The result of another node, or one field of it. In JSON `{"$ref": "1", "field": "name"}`.

    Attributes:
        node: The id of the node.
        field: A key of its result; None is the whole result.
    """

    node: NodeId = Field(alias="$ref")
    field: str | None = None


class Template(_Frozen):
    """A text with results in it. In JSON `{"$text": ["the root of ", {"$ref": "1"}]}`.

    Attributes:
        parts: Neighbouring texts are made one, and empty ones are left out, so that a text has one form only.
    """

    parts: tuple[StrictStr | Reference, ...] = Field(alias="$text")

    @field_validator("parts")
    @classmethod
    def _joined(cls, parts: tuple[str | Reference, ...]) -> tuple[str | Reference, ...]:
        joined: list[str | Reference] = []
        for is_text, run in groupby(parts, lambda part: isinstance(part, str)):
            same = list(run)
            joined += ["".join(map(str, same))] if is_text else same
        return tuple(part for part in joined if part)


if TYPE_CHECKING:
    Argument: TypeAlias = """Reference | Template | bool | int | float | str
        | list[Argument] | dict[str, Argument] | None"""
else:
    # From left to right, so that `{"$ref": ...}` is a reference and not a dictionary, and strict, so that a text
    # stays a text. Type checkers cannot follow this form.
    Argument = TypeAliasType(
        "Argument",
        Annotated[
            Annotated[Reference, _if_marked("$ref")]
            | Annotated[Template, _if_marked("$text")]
            | StrictBool
            | StrictInt
            | StrictFloat
            | StrictStr
            | list["Argument"]
            | dict[str, "Argument"]
            | None,
            Field(union_mode="left_to_right"),
        ],
    )


class Call(_Frozen):
    """A call of a tool.

    Attributes:
        id: The node's name in the plan.
        tool: The tool's name.
        arguments: By parameter; values may hold references.
    """

    kind: Literal["call"] = "call"
    id: NodeId
    tool: str
    arguments: dict[str, Argument] = {}

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The nodes whose results it needs, in the order of their first mention."""
        return _unique(reference.node for reference in references(self.arguments))


class Think(_Frozen):
    """A thread of thought.

    Attributes:
        id: The node's name in the plan.
        prompt: What to think about; may hold references.
        method: The name of the method; None is the run's.
        after: Goes on from the final context of this node; None forks from the plan's root.
        max_tokens: The most that each of the method's calls generates: instead of the run's limit where a method is
            named, and where it is lower than that of the run's method otherwise.
        title: What it is called on screens; empty is its prompt.
    """

    kind: Literal["think"] = "think"
    id: NodeId
    prompt: str | Template = ""
    method: str | None = None
    after: NodeId | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    title: str = ""

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The nodes whose results it needs, `after` first."""
        before = () if self.after is None else (self.after,)
        return _unique((*before, *(reference.node for reference in references(self.prompt))))


class Reduce(_Frozen):
    """Many results become one.

    Attributes:
        id: The node's name in the plan.
        inputs: The nodes to merge, in this order. Inputs that failed are left out as long as one is there.
        reducer: The name of the reducer.
        prompt: The part of the question that the inputs answer; empty is all of it.
    """

    kind: Literal["reduce"] = "reduce"
    id: NodeId
    inputs: tuple[NodeId, ...] = Field(min_length=1)
    reducer: str
    prompt: str = ""

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Its inputs."""
        return _unique(self.inputs)


class Conclude(_Frozen):
    """An answer that is written down already, such as that of a planner that has read the results.

    Attributes:
        id: The node's name in the plan.
        text: The answer; may hold references.
        inputs: The nodes that it rests on, failed ones too.
    """

    kind: Literal["conclude"] = "conclude"
    id: NodeId
    text: str | Template
    inputs: tuple[NodeId, ...] = ()

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The nodes that it waits for."""
        return _unique((*self.inputs, *(reference.node for reference in references(self.text))))


AnyNode: TypeAlias = Call | Think | Reduce | Conclude
Node = Annotated[AnyNode, Field(discriminator="kind")]


class Plan(_Frozen):
    """Nodes in an order that can be run; the last one gives the answer.

    Attributes:
        version: Of this format.
        question: What the plan is for; may be left out in a file.
        nodes: At least one.
    """

    version: Literal[1] = 1
    question: str = ""
    nodes: tuple[Node, ...] = Field(min_length=1)

    @property
    def answer(self) -> str:
        """The id of the node that gives the answer."""
        return self.nodes[-1].id

    def to_json(self) -> str:
        """The plan as a file that `read_plan` takes."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2)


def references(value: Any) -> Iterator[Reference]:
    """The references anywhere in an argument, from left to right."""
    # In this order: to ask whether something is one of pydantic's models takes ten times as long.
    if isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, Reference):
        yield value
    elif isinstance(value, Template):
        yield from (part for part in value.parts if isinstance(part, Reference))


def sinks(nodes: Sequence[AnyNode]) -> tuple[str, ...]:
    """The nodes that no other needs, in order."""
    needed = {dependency for node in nodes for dependency in node.dependencies}
    return tuple(node.id for node in nodes if node.id not in needed)


def _unique(ids: Iterator[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
