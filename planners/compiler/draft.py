"""A plan that grows over several rounds: its nodes, what became of them, and calls that need not be made again.

A call of an earlier round that has a result is not made again where that would give the same, or change the world
twice: a step that asks for the same, with the same arguments once results are in them, is no node but another name of
the finished one. It knows no model and no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import PlanError
from ..plan import Call, Conclude, Node, Reduce, sinks
from ..planner import Finding, PlanSink
from ..tool_specification import ToolSpecification
from .earlier_calls import asked, renamed


class Draft:
    """The plan so far.

    Args:
        sink: Takes the nodes.
        tools: What is known of those that are called.

    Attributes:
        nodes: Those that were sent, in order.
        aliases: Steps that are no nodes, with the nodes whose results they have.
    """

    def __init__(self, sink: PlanSink, tools: Mapping[str, ToolSpecification]) -> None:
        self.nodes: list[Node] = []
        self.aliases: dict[str, str] = {}
        self._sink = sink
        self._once = {name for name, tool in tools.items() if tool.pure or not tool.repeatable}
        self._findings: dict[str, Finding] = {}
        self._finished: dict[str, str] = {}

    @property
    def steps(self) -> int:
        """How many steps there are, aliases included."""
        return len(self.nodes) + len(self.aliases)

    @property
    def last(self) -> int:
        """The largest number of a step; 0 where there is none."""
        ids = (*self.aliases, *(node.id for node in self.nodes))
        return max(map(int, ids), default=0)

    @property
    def usable(self) -> Sequence[int]:
        """The numbers of the steps that have a result, or may still get one."""
        ids = (*self.aliases, *(node.id for node in self.nodes))
        return [int(name) for name in ids if not self._is_lost(name)]

    def add(self, node: Node) -> None:
        """Sends the next step to the sink, or remembers whose result it has.

        A step that is there already, and is said again, is no other: models that are told to go on like to begin anew.

        Raises:
            PlanError: It does not fit into the plan.
        """
        node = renamed(node, self.aliases)
        earlier = self._earlier(node)
        if node in self.nodes or (earlier and self.aliases.get(node.id) == earlier):
            return
        if node.id in self.aliases or any(node.id == other.id for other in self.nodes):
            raise PlanError(f"node {node.id!r}: another node has this id already")
        for name in node.dependencies:
            if self._is_lost(name):
                raise PlanError(
                    f"node {node.id!r}: refers to node {name!r}, which has no result: do without it, or try another way"
                )
        if earlier is None:
            self._sink.node(node)
            self.nodes.append(node)
        else:
            self.aliases[node.id] = earlier

    def guess(self, call: Call | None) -> None:
        """Tells the sink which call will probably come next, where its result is not there yet."""
        if call is not None:
            call = renamed(call, self.aliases)
        self._sink.speculate(None if call is None or self._earlier(call) else call)

    async def look(self) -> Mapping[str, Finding]:
        """What became of the steps that nobody has looked at, by number, once all have ended."""
        new = [node for node in self.nodes if node.id not in self._findings]
        found = dict(await self._sink.wait([node.id for node in new]))
        for alias, other in self.aliases.items():
            if alias not in self._findings:
                found[alias] = Finding(status="ok", text=f"the same as ${other}")
        self._findings.update(found)
        for node in new:
            if isinstance(node, Call) and node.tool in self._once and found[node.id].usable:
                self._finished.setdefault(asked(node, self._findings), node.id)
        return dict(sorted(found.items(), key=lambda item: int(item[0])))

    def conclude(self, text: str) -> None:
        """Ends the plan with an answer that is written down already."""
        self._sink.node(Conclude(id=str(self.last + 1), text=text, inputs=sinks(self.nodes)))

    def reduce(self, reducer: str) -> None:
        """Ends the plan by merging what no other step uses."""
        inputs = sinks(self.nodes)
        self._sink.node(Reduce(id=str(self.last + 1), inputs=inputs, reducer=reducer))

    def _is_lost(self, name: str) -> bool:
        """Whether a step is known to have ended without a result."""
        return name in self._findings and not self._findings[name].usable

    def _earlier(self, node: Node) -> str | None:
        if not isinstance(node, Call) or not self._finished:
            return None
        return self._finished.get(asked(node, self._findings))
