"""What spans are called and which attributes they carry: the one place that knows OpenTelemetry's conventions.

The conventions for generative AI are in development: nothing of `gen_ai.*` is stable. Names here are those of the
semantic conventions 1.41.0, the last release that had them before they moved to a repository of their own, whose
schema has no address yet that could be pinned. Its first release renames nothing that is used here.

Prompts and outputs are in no span. What is our own begins with `forkjoin.`.
"""

from __future__ import annotations

from collections.abc import Mapping

from engines import Usage
from planners import Call, Conclude, Node, Reduce, Think

from ..events import CallNoticed, GenerationFinished, NodeFinished, RunFinished, RunStarted

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"

Attributes = Mapping[str, str | bool | int | float | tuple[str, ...]]

RUN_NAME = "invoke_workflow forkjoin"

_OPERATION = "gen_ai.operation.name"
_PROVIDER = "gen_ai.provider.name"
_MODEL = "gen_ai.request.model"
_AGENT = "gen_ai.agent.name"
_TOOL = "gen_ai.tool.name"
_FINISH_REASONS = "gen_ai.response.finish_reasons"
_INPUT = "gen_ai.usage.input_tokens"
_CACHED = "gen_ai.usage.cache_read.input_tokens"
_OUTPUT = "gen_ai.usage.output_tokens"
_ERROR = "error.type"
# The convention's value for an error that has no class of its own.
_OTHER_ERROR = "_OTHER"


def node_name(node: Node) -> str:
    """What the span of a node is called.

    >>> node_name(Call(id="1", tool="add"))
    'execute_tool add'
    """
    match node:
        case Call():
            return f"execute_tool {node.tool}"
        case Think():
            return f"invoke_agent {_method(node)}"
        case Reduce():
            return f"reduce {node.reducer}"
        case Conclude():
            return "conclude"


def call_name(model: str) -> str:
    """What the span of an engine's call is called."""
    return f"chat {model}"


def run_started(event: RunStarted, provider: str) -> Attributes:
    """Of a run that begins."""
    return {
        _OPERATION: "invoke_workflow",
        _PROVIDER: provider,
        _MODEL: event.model,
        "forkjoin.resumed": event.resumed,
    }


def run_finished(event: RunFinished, replayed: int) -> Attributes:
    """Of a run that ended, with how many calls a journal answered."""
    # As `gen_ai.usage.*` they would be added to those of the calls.
    found: dict[str, str | int] = {
        "forkjoin.status": event.status,
        "forkjoin.usage.input_tokens": event.usage.prompt_tokens,
        "forkjoin.usage.output_tokens": event.usage.generated_tokens,
        "forkjoin.replayed_calls": replayed,
    }
    if event.critical_path is not None:
        found["forkjoin.critical_path"] = event.critical_path
    return _with_error(found, failed=event.status == "failed")


def node_started(node: Node) -> Attributes:
    """Of a node that begins."""
    own = {"forkjoin.node": node.id, "forkjoin.kind": node.kind}
    match node:
        case Call():
            return {_OPERATION: "execute_tool", _TOOL: node.tool, **own}
        case Think():
            return {_OPERATION: "invoke_agent", _AGENT: _method(node), **own}
        case Reduce():
            return {"forkjoin.reducer": node.reducer, **own}
        case Conclude():
            return own


def node_finished(event: NodeFinished) -> Attributes:
    """Of a node that ended."""
    return _with_error({"forkjoin.status": event.status}, failed=event.status == "failed")


def call_finished(event: GenerationFinished, model: str, provider: str) -> Attributes:
    """Of a call of the engine."""
    found: dict[str, str | bool | int | float | tuple[str, ...]] = {
        _OPERATION: "chat",
        _PROVIDER: provider,
        _MODEL: model,
        _FINISH_REASONS: (event.finish_reason,),
        **_usage(event.usage),
        "forkjoin.node": event.node,
        "forkjoin.path": event.path,
    }
    if event.limited_by is not None:
        found["forkjoin.limited_by"] = event.limited_by
    return _with_error(found, failed=event.finish_reason == "failed")


def notice(event: CallNoticed) -> Attributes:
    """Of something that happened to a call on its way."""
    return {"forkjoin.path": event.path, "forkjoin.reason": event.reason}


def _usage(usage: Usage) -> Attributes:
    found = {_INPUT: usage.prompt_tokens, _OUTPUT: usage.generated_tokens}
    if usage.cached_tokens is not None:
        found[_CACHED] = usage.cached_tokens
    if usage.lower_bound:
        found["forkjoin.usage.lower_bound"] = True
    return found


def _with_error(found: Attributes, *, failed: bool) -> Attributes:
    return {**found, _ERROR: _OTHER_ERROR} if failed else found


def _method(node: Think) -> str:
    return node.method or "think"
