"""Checks a plan against what exists: the tools, methods and reducers are given as arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engines.json_validator import Uncheckable, find_error

from .errors import InvalidPlan, PlanError
from .notation import some_of
from .plan import AnyNode, Argument, Call, Plan, Reduce, Reference, Template, Think, references
from .tool_specification import ToolSpecification

_LONGEST_MESSAGE = 300


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a plan may name.

    Attributes:
        tools: By name.
        methods: Names of methods.
        reducers: Names of reducers.
        max_nodes: The most nodes of a plan.
    """

    tools: Mapping[str, ToolSpecification]
    methods: Collection[str]
    reducers: Collection[str]
    max_nodes: int = 256


class PlanChecker:
    """Checks nodes as they come, each against those before it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._seen: dict[str, type[AnyNode]] = {}

    def check(self, node: AnyNode) -> None:
        """Accepts the plan's next node.

        Raises:
            PlanError: With the place and what is wrong there.
        """
        if len(self._seen) >= self._vocabulary.max_nodes:
            raise PlanError(
                f"node {node.id!r}: a plan has {self._vocabulary.max_nodes} nodes at most"
            )
        if node.id in self._seen:
            raise PlanError(f"node {node.id!r}: another node has this id already")
        for dependency in node.dependencies:
            if dependency not in self._seen:
                raise PlanError(
                    f"node {node.id!r}: refers to node {dependency!r}, and no earlier node has this id"
                )
        if isinstance(node, Call):
            _check_call(node, self._vocabulary.tools)
        elif isinstance(node, Think):
            self._check_after(node)
            _check_name(node.id, "method", node.method, self._vocabulary.methods)
        elif isinstance(node, Reduce):
            _check_name(node.id, "reducer", node.reducer, self._vocabulary.reducers)
        self._seen[node.id] = type(node)

    def _check_after(self, node: Think) -> None:
        if node.after is not None and self._seen[node.after] is Call:
            raise PlanError(
                f"node {node.id!r}: goes on after node {node.after!r}, a call, which leaves no thread: name a think or "
                f"a reduce node there, or refer to the call's result in the prompt"
            )


def check_plan(plan: Plan, vocabulary: Vocabulary) -> None:
    """Checks a whole plan, such as one that the user gave.

    Raises:
        InvalidPlan: With the place and what is wrong there.
    """
    try:
        _check_cycles(plan)
        checker = PlanChecker(vocabulary)
        for node in plan.nodes:
            checker.check(node)
    except PlanError as error:
        raise InvalidPlan(str(error)) from None


def _check_cycles(plan: Plan) -> None:
    # Half a second to import, and only whole plans need it.
    import networkx

    graph = networkx.DiGraph(
        (dependency, node.id) for node in plan.nodes for dependency in node.dependencies
    )
    try:
        edges = networkx.find_cycle(graph)
    except networkx.NetworkXNoCycle:
        return
    circle = " -> ".join([edges[0][0], *(edge[1] for edge in edges)])
    raise PlanError(f"node {edges[0][0]!r}: waits for itself: {circle}")


def _check_name(node: str, kind: str, name: str | None, known: Collection[str]) -> None:
    if name is not None and name not in known:
        raise PlanError(
            f"node {node!r}: there is no {kind} {name!r}: choose from {some_of(sorted(known), near=name)}"
        )


def _check_call(node: Call, tools: Mapping[str, ToolSpecification]) -> None:
    tool = tools.get(node.tool)
    if tool is None:
        known = some_of(sorted(tools), near=node.tool)
        choice = f"choose from {known}" if tools else "none is registered"
        raise PlanError(f"node {node.id!r}: there is no tool {node.tool!r}: {choice}")
    for name in node.arguments:
        if name not in tool.properties:
            raise PlanError(f"node {node.id!r}: {tool.signature} has no argument {name!r}")
    for name in tool.required:
        if name not in node.arguments:
            raise PlanError(f"node {node.id!r}: {tool.signature} needs the argument {name!r}")
    for name, value in node.arguments.items():
        problem = _problem(value, tool.properties[name], tool.parameters)
        if problem:
            raise PlanError(f"node {node.id!r}: argument {name!r} of {tool.name}: {problem}")


def _problem(value: Argument, schema: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """What is wrong with a literal; what holds references can be checked at run time only."""
    if isinstance(value, Reference | Template) or any(references(value)):
        return ""
    try:
        error = find_error(value, whole, part=schema)
    except Uncheckable as problem:
        return str(problem)
    return "" if error is None else _shortened(error.message)


def _shortened(message: str) -> str:
    """A message without its middle, where that quotes a long argument."""
    half = _LONGEST_MESSAGE // 2
    return message if len(message) <= 2 * half else f"{message[:half]}...{message[-half:]}"
