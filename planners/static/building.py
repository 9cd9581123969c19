"""Plans from a few lines of Python: steps are expressions, and what they are made of are other steps.

    product = call("multiply", a=12, b=7)
    square = think("Is ", product, " a square?", method="self-consistency")
    plan = build(reduce([product, square]), question="Is 12 * 7 a square?")

A step can only be made of steps that are there, so no circle can be written. Steps know neither tools nor methods:
whether a plan can be run is checked where it runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NoReturn

from pydantic import ValidationError

from engines import UsageError

from ..plan import AnyNode, Call, Conclude, Plan, Reduce, Reference, Template, Think

_Ids = Callable[["Step"], str]

# What has such a key is a reference or a text with references.
_MARKS = {"$ref", "$text"}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Step:
    """A node to be, which other steps may be made of. It is itself alone, however alike another is.

    `step["field"]` is one field of its result.

    Attributes:
        node: Makes the node with an id, given the ids of the steps that it refers to.
        needs: These steps, in the order of their first mention.
        name: The id that it shall have; None is a number.
    """

    node: Callable[[str, _Ids], AnyNode]
    needs: tuple[Step, ...]
    name: str | None = None

    # Python would ask for items 0, 1, 2 and so on, without end.
    __iter__ = None

    def named(self, name: str) -> Step:
        """The same with an id of its own in place of a number. It is another step: use what is returned.

        Raises:
            UsageError: It can be no id.
        """
        _made(Think, id=name)
        return replace(self, name=name)

    def __repr__(self) -> str:
        return f"<step: {self.node(self.name or 'step', lambda step: step.name or 'step')!r}>"

    def __getitem__(self, field: str) -> StepField:
        if not isinstance(field, str):
            raise TypeError(f"a field of a result is named by a text, not by {field!r}")
        return StepField(step=self, field=field)

    def __format__(self, specification: str) -> NoReturn:
        raise TypeError('a step has no text yet: write think("Is ", step, "?"), not an f-string')


@dataclass(frozen=True, eq=False, kw_only=True)
class StepField:
    """One field of a step's result."""

    step: Step
    field: str

    __format__ = Step.__format__


Piece = str | Step | StepField
"""What a prompt is made of."""


def call(tool: str, /, **arguments: Any) -> Step:
    """A call of a tool.

    Args:
        tool: Its name.
        arguments: JSON data, with steps and their fields wherever their results shall stand.

    Raises:
        UsageError: An argument is no JSON data.
    """
    kept = {name: _copied(value, name) for name, value in arguments.items()}
    return _step(lambda id, ids: _made(Call, id=id, tool=tool, arguments=_filled(kept, ids)))


def think(
    *prompt: Piece,
    after: Step | None = None,
    method: str | None = None,
    max_tokens: int | None = None,
) -> Step:
    """A thread of thought.

    Args:
        prompt: Texts, steps and their fields; one after another, they are the prompt. Nothing is the question alone.
        after: Goes on with this step's thread; None begins at the question.
        method: How it thinks; None is as the run says.
        max_tokens: The most that each of the method's calls generates.

    Raises:
        UsageError: A piece is no text, or the limit is below 1.
    """

    def node(id: str, ids: _Ids) -> AnyNode:
        before = None if after is None else ids(after)
        text = _text(prompt, ids)
        return _made(Think, id=id, prompt=text, method=method, after=before, max_tokens=max_tokens)

    return _step(node)


def reduce(inputs: Iterable[Step], reducer: str = "synthesise", *, prompt: str = "") -> Step:
    """Many results become one.

    Args:
        inputs: At least one.
        reducer: How.
        prompt: The part of the question that they answer; empty is all of it.

    Raises:
        UsageError: There are no inputs, or one is no step.
    """
    kept = tuple(inputs)

    def node(id: str, ids: _Ids) -> AnyNode:
        return _made(Reduce, id=id, inputs=tuple(map(ids, kept)), reducer=reducer, prompt=prompt)

    return _step(node)


def conclude(*text: Piece, inputs: Iterable[Step] = ()) -> Step:
    """An answer that is written down already.

    Args:
        text: Texts, steps and their fields.
        inputs: What it rests on, beside the steps in the text.

    Raises:
        UsageError: A piece is no text.
    """
    kept = tuple(inputs)
    return _step(
        lambda id, ids: _made(Conclude, id=id, inputs=tuple(map(ids, kept)), text=_text(text, ids))
    )


def build(*steps: Step, question: str = "") -> Plan:
    """The plan of these steps and of all that they are made of, each once.

    Args:
        steps: The last one gives the answer.
        question: What the plan is for.

    Raises:
        UsageError: There are no steps, two of one name, or another one needs the last.

    >>> squares = [call("square", x=x) for x in (3, 4)]
    >>> plan = build(call("root", x=call("add", a=squares[0], b=squares[1])))
    >>> [(node.id, node.dependencies) for node in plan.nodes]
    [('1', ()), ('2', ()), ('3', ('1', '2')), ('4', ('3',))]
    """
    if not steps:
        raise UsageError("a plan of no steps: give at least one")
    for step in steps:
        _check_step(step)
    ordered = list(_in_order(steps))
    if ordered[-1] is not steps[-1]:
        raise UsageError("the last step gives the answer, and a step before needs it: give it last")
    ids = _ids(ordered)
    nodes = tuple(step.node(ids[step], ids.__getitem__) for step in ordered)
    return Plan(question=question, nodes=nodes)


def _step(node: Callable[[str, _Ids], AnyNode]) -> Step:
    """A step that makes this node, which is tried at once, so that what is wrong is told where it is written."""
    needs: dict[Step, None] = {}

    def mention(step: Step) -> str:
        _check_step(step)
        needs[step] = None
        return "step"

    node("step", mention)
    return Step(node=node, needs=tuple(needs))


def _made(kind: type[AnyNode], **fields: Any) -> AnyNode:
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = str(first["loc"][0])
        raise UsageError(
            f"{kind.__name__.lower()}: {what} {fields.get(what)!r:.80}: {first['msg']}"
        ) from None


def _check_step(step: object) -> None:
    if not isinstance(step, Step):
        raise UsageError(f"{step!r:.80} is no step: make one with call, think, reduce or conclude")


def _reference(mention: Step | StepField, ids: _Ids) -> Reference:
    if isinstance(mention, StepField):
        return Reference(node=ids(mention.step), field=mention.field)
    return Reference(node=ids(mention))


def _text(pieces: Sequence[Piece], ids: _Ids) -> str | Template:
    parts = [_reference(p, ids) if isinstance(p, Step | StepField) else p for p in pieces]
    for part in parts:
        if not isinstance(part, str | Reference):
            raise UsageError(f"a prompt is made of texts and steps, not of {part!r:.80}")
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    return Template(parts=tuple(parts))


def _copied(value: Any, place: str) -> Any:
    """An argument as JSON has it; a copy, so that nothing comes into it later."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        for mark in _MARKS & value.keys():
            raise UsageError(f"argument {place}: a plan keeps the key {mark!r} for itself")
        return {key: _copied(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item, f"{place}.{number}") for number, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"argument {place}: {value!r} is no number of JSON")
    if value is None or isinstance(value, bool | int | float | str | Step | StepField):
        return value
    raise UsageError(f"argument {place}: {value!r:.80} is neither JSON data nor a step")


def _filled(value: Any, ids: _Ids) -> Any:
    """The same with references where steps are."""
    if isinstance(value, Step | StepField):
        return _reference(value, ids)
    if isinstance(value, dict):
        return {key: _filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, ids) for item in value]
    return value


def _in_order(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps and all that they need, each once and after what it needs. Without recursion, since chains are long."""
    seen: set[Step] = set()
    stack = [(step, False) for step in reversed(tuple(steps))]
    while stack:
        step, needs_are_there = stack.pop()
        if needs_are_there:
            yield step
        elif step not in seen:
            seen.add(step)
            stack.append((step, True))
            stack += [(need, False) for need in reversed(step.needs)]


def _ids(steps: Sequence[Step]) -> dict[Step, str]:
    names = Counter(step.name for step in steps if step.name is not None)
    for name, uses in names.items():
        if uses > 1:
            raise UsageError(f"{uses} steps are named {name!r}: a plan has one node of a name")
    numbers = (number for number in map(str, count(1)) if number not in names)
    return {step: step.name or next(numbers) for step in steps}
