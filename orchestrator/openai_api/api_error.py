"""An error as OpenAI's API tells it, and which one each of the project's errors is. Pure.

    UnknownModel  ->  404 {"error": {"message": "there is no ...", "type": "invalid_request_error", "param": "model",
                                     "code": "model_not_found"}}

Messages that a client can act on are passed on. Of what is the server's own business, such as where its engine and its
runs are and what a bug says, a client gets a fixed sentence; the server's log has the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engines import (
    BudgetExhausted,
    CallTimedOut,
    CapabilityMissing,
    ContextTooLong,
    EngineDead,
    EngineOverloaded,
    EngineUnavailable,
    ForkjoinError,
    InvalidOutput,
    MissingExtra,
    NotAnEngine,
    RequestRejected,
    UsageError,
)
from planners import PlanError

from ..errors import (
    InvalidRequest,
    OutputFailed,
    RunFailed,
    RunInUse,
    RunRefused,
    RunUnreadable,
    ToolDefinitionError,
    ToolError,
    UnknownModel,
)

_CODES: Mapping[int, str] = {
    400: "unreadable_request",
    401: "invalid_api_key",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}
# A plan may have thousands of nodes.
_MOST_NAMED = 8
_HIDDEN = "see the server's log"
# To its end, whatever is in it: a password, or an IPv6 address.
_ADDRESS = re.compile(r"\w+://\S*[^\s,;:.)]")


class ApiError(Exception):
    """An answer that is an error.

    Attributes:
        status: Of HTTP.
        message: For a person: one line.
        kind: OpenAI's `type`, by the status where it is not given.
        code: For a program; by the status where it is not given.
        param: The field of the body whose fault it is.
        headers: To be sent with it.
    """

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.message = " ".join(message.split())
        self.kind = kind or _kind(status)
        self.code = code or _CODES.get(status)
        self.param = param
        self.headers = dict(headers or {})
        super().__init__(self.message)

    def body(self) -> dict[str, Any]:
        """What is sent."""
        error = {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}


def _kind(status: int) -> str:
    if status >= 500:
        return "server_error"
    return "rate_limit_error" if status == 429 else "invalid_request_error"


class _Told(NamedTuple):
    """How an error is told; where there is no sentence, with its own message."""

    status: int
    code: str
    sentence: str = ""


_NO_PLAN = (
    "the model wrote no plan that can be run: ask again, with more max_tokens, or name a method instead of a planner, "
    "as in MODEL@self-consistency"
)
_NO_OUTPUT = "the answer did not become what the form of the response asks for: use a larger model or more tokens"
_MISSING = f"the server lacks a package that this needs: choose another method or option; {_HIDDEN}"
_NO_RUN = "there is no such run: send the conversation without its calls of tools"
# What a client can help, also where it ended a run.
_OF_THE_REQUEST = (ContextTooLong, BudgetExhausted)
_REFUSED: Mapping[str, _Told] = {
    "window": _Told(400, "context_length_exceeded"),
    "budget": _Told(400, "budget_exhausted"),
}
# The first that fits.
_ERRORS: tuple[tuple[type[ForkjoinError], _Told], ...] = (
    (ContextTooLong, _Told(400, "context_length_exceeded")),
    (CapabilityMissing, _Told(400, "unsupported_value")),
    (RequestRejected, _Told(400, "request_rejected")),
    (EngineOverloaded, _Told(429, "engine_overloaded", "the engine takes no more requests now: try again later")),
    (CallTimedOut, _Told(504, "engine_timeout", "the engine did not answer in time: try again later")),
    (EngineUnavailable, _Told(503, "engine_unavailable", "the engine does not answer: try again later")),
    (EngineDead, _Told(503, "engine_dead", f"the engine has ended: {_HIDDEN}")),
    (NotAnEngine, _Told(502, "not_an_engine", f"what answers is no engine: {_HIDDEN}")),
    (BudgetExhausted, _Told(400, "budget_exhausted")),
    (InvalidOutput, _Told(500, "invalid_output")),
    (OutputFailed, _Told(500, "invalid_output", _NO_OUTPUT)),
    (RunFailed, _Told(500, "run_failed")),
    (PlanError, _Told(500, "plan_failed", _NO_PLAN)),
    (ToolError, _Told(500, "tool_failed", f"a call of a tool failed: {_HIDDEN}")),
    (UnknownModel, _Told(404, "model_not_found")),
    (InvalidRequest, _Told(400, "invalid_value")),
    (RunInUse, _Told(409, "run_in_use", "another request works on this run: try again later")),
    (RunUnreadable, _Told(404, "run_not_found", _NO_RUN)),
    (MissingExtra, _Told(501, "not_installed", _MISSING)),
    (ToolDefinitionError, _Told(500, "tool_definition", f"a tool of the server cannot be used: {_HIDDEN}")),
    (UsageError, _Told(400, "invalid_value")),
)  # fmt: skip


def error_of(exception: BaseException) -> ApiError:
    """How an exception is told; without any detail where it is none of the project's."""
    while isinstance(exception, BaseExceptionGroup) and len(exception.exceptions) == 1:
        (exception,) = exception.exceptions
    if isinstance(exception, ApiError):
        return exception
    if not isinstance(exception, ForkjoinError):
        return _internal()
    if isinstance(exception, OutputFailed) and isinstance(exception.__cause__, _OF_THE_REQUEST):
        return error_of(exception.__cause__)
    if isinstance(exception, RunRefused):
        return _told(exception, _REFUSED[exception.what])
    for kind, told in _ERRORS:
        if isinstance(exception, kind):
            return _told(exception, told)
    return _internal()


def _told(error: ForkjoinError, told: _Told) -> ApiError:
    return ApiError(
        told.status,
        told.sentence or _message(error),
        code=told.code,
        param=error.field or None if isinstance(error, InvalidRequest) else None,
        headers=_headers(error, told.status),
    )


def _internal() -> ApiError:
    headers = {"x-should-retry": "false"}
    return ApiError(500, f"the server failed: {_HIDDEN}", code="internal_error", headers=headers)


def _message(error: ForkjoinError) -> str:
    if isinstance(error, RunFailed) and not isinstance(error, RunRefused):
        return _failed([name for name, each in error.outcomes.items() if each.status == "failed"])
    # What a request says is the client's own; others may name the server of a model.
    return str(error) if isinstance(error, InvalidRequest) else _ADDRESS.sub("(...)", str(error))


def _failed(nodes: Sequence[str]) -> str:
    some = ", ".join(nodes[:_MOST_NAMED])
    more = f" and {len(nodes) - _MOST_NAMED} more" if nodes[_MOST_NAMED:] else ""
    who = f"node{'s' * (len(nodes) > 1)} {some}{more}" if nodes else "its answer"
    return f"the run has no answer, since {who} failed: {_HIDDEN}"


def _headers(error: ForkjoinError, status: int) -> dict[str, str]:
    """When to try again. OpenAI's clients would by themselves, and what a run costs is paid each time."""
    if error.retryable:
        return {"retry-after": str(math.ceil(error.retry_after or 1))}
    return {"x-should-retry": "false"} if status >= 500 else {}
