"""Tools and a sink that the tests of planners share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from planners import Call, Finding, Node, ToolSpecification, Vocabulary


def tool(name: str, *required: str, **schemas: dict[str, Any]) -> ToolSpecification:
    """One that always gives the same."""
    parameters = {"type": "object", "properties": schemas, "required": list(required)}
    return ToolSpecification(
        name=name, description=f"Does {name}.", parameters=parameters, pure=True
    )


NUMBER = {"type": "number"}
TEXT = {"type": "string"}
NUMBERS = {"type": "array", "items": NUMBER}

ADD = tool("add", "a", "b", a=NUMBER, b=NUMBER)
SEARCH = tool("search", "query", query=TEXT, most={"type": "integer", "minimum": 1})
MEAN = tool("mean", "values", values=NUMBERS)
PICK = tool(
    "pick",
    "colour",
    "sure",
    colour={"enum": ["red", 'dark "blue"', "ocre é", "$1"]},
    sure={"type": "boolean"},
)
EITHER = tool("either", "value", value={"anyOf": [TEXT, {"type": "null"}]})
NOW = tool("clock.now-utc").model_copy(update={"pure": False})
TOOLS = {one.name: one for one in (ADD, SEARCH, MEAN, PICK, EITHER, NOW)}

VOCABULARY = Vocabulary(
    tools=TOOLS, methods=["chain-of-thought"], reducers=["synthesise", "majority"]
)


@dataclass
class Recorder:
    """A plan sink that keeps what it gets, in order."""

    nodes: list[Node] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    tokens_left: int | None = None

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        return {name: Finding(status="ok", text=f"result of {name}") for name in nodes}

    def speculate(self, call: Call | None) -> None:
        self.log.append(f"guess {call.id}" if call else "no guess")

    def text(self, delta: str) -> None:
        self.log.append(f"text {delta!r}")

    def remark(self, text: str) -> None:
        self.log.append(f"remark {text}")

    def node(self, node: Node) -> None:
        self.nodes.append(node)
        self.log.append(f"node {node.id}")
