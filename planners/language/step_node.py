"""Makes the node that a step of a plan means, with its arguments bound to the tool's parameters. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import PlanSyntaxError
from ..notation import THINK, shown, some_of
from ..plan import Argument, Call, Node, Reference, Template, Think, references
from ..tool_specification import ToolSpecification
from .step_reader import Step

# What stands between a thought's text and the results that it is given.
_SEPARATOR = "\n\n"


def step_node(step: Step, tools: Mapping[str, ToolSpecification], line: int) -> Node:
    """The node of a step that calls a tool or thinks.

    Raises:
        PlanSyntaxError: There is no such tool, or it takes other arguments.
    """
    if step.name == THINK:
        return _think(step, line)
    tool = tools.get(step.name)
    if tool is None:
        known = some_of([*sorted(tools), THINK], near=step.name)
        raise PlanSyntaxError(line, f"there is no tool {shown(step.name)}: choose from {known}")
    try:
        arguments = tool.bind(step.positional, step.keywords)
    except ValueError as error:
        raise PlanSyntaxError(line, str(error)) from None
    return Call(id=step.id, tool=step.name, arguments=arguments)


def _think(step: Step, line: int) -> Think:
    def wrong(problem: str) -> PlanSyntaxError:
        expected = f'expected a step such as {step.id}. {THINK}("...", $1, method="...", after=$2)'
        return PlanSyntaxError(line, f"{problem}: {expected}")

    keywords = dict(step.keywords)
    texts = [*step.positional, *(keywords.pop(name) for name in ("prompt",) if name in keywords)]
    method, after, most = (keywords.pop(name, None) for name in ("method", "after", "max_tokens"))
    if keywords:
        raise wrong(f"{THINK} has no argument {shown(next(iter(keywords)))}")
    if step.positional and "prompt" in step.keywords:
        raise wrong("the text of a thought is given twice")
    if method is not None and not isinstance(method, str):
        raise wrong("a method is a name in quotes")
    if after is not None and not (isinstance(after, Reference) and after.field is None):
        raise wrong("a thought goes on after the thread of one step")
    if most is not None and not (type(most) is int and most > 0):
        raise wrong("max_tokens is a number above 0")
    return Think(
        id=step.id,
        prompt=_prompt(texts, wrong),
        method=method,
        after=None if after is None else after.node,
        max_tokens=most,
    )


def _prompt(texts: Sequence[Argument], wrong: Callable[[str], PlanSyntaxError]) -> str | Template:
    """The text with the results that follow it."""
    parts: list[str | Reference] = []
    for text in texts:
        if not isinstance(text, str | Template | Reference):
            raise wrong(f"{THINK} takes a text and then results that it needs")
        parts += [_SEPARATOR] if parts else []
        parts += text.parts if isinstance(text, Template) else [text]
    if not texts:
        raise wrong(f"{THINK} takes a text")
    template = Template(parts=tuple(parts))
    return template if any(references(template)) else "".join(map(str, parts))
