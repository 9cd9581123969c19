"""Nodes in a few words, for people: on screens, in logs and in drawings. Pure."""

from __future__ import annotations

from .plan import AnyNode, Argument, Call, Conclude, Reduce, Reference, Template, Think


def describe(node: AnyNode) -> str:
    """A node in a few words.

    >>> describe(Call(id="3", tool="mean", arguments={"values": [Reference(node="1"), 38]}))
    'mean([$1, 38])'
    """
    match node:
        case Call():
            return f"{node.tool}({', '.join(_shown(value) for value in node.arguments.values())})"
        case Think():
            after = f" after {node.after}" if node.after else ""
            return f"think{after}: {node.title or _shown(node.prompt) or 'the question'}"
        case Reduce():
            return f"{node.reducer} of {', '.join(node.inputs)}"
        case Conclude():
            return f"conclude: {_shown(node.text)}"


def _shown(value: Argument) -> str:
    if isinstance(value, Reference):
        return f"${value.node}" + (f".{value.field}" if value.field else "")
    if isinstance(value, Template):
        return "".join(_shown(part) for part in value.parts)
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_shown(item)}' for name, item in value.items())}}}"
    return str(value)
