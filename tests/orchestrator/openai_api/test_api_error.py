from __future__ import annotations

from typing import Literal

import pytest
from openai import (
    APIStatusError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)
from openai.types.shared import ErrorObject

from engines import (
    BudgetExhausted,
    CallTimedOut,
    CapabilityMissing,
    ContextTooLong,
    EngineDead,
    EngineOverloaded,
    EngineUnavailable,
    InvalidOutput,
    MissingExtra,
    NotAnEngine,
    Outcome,
    RequestRejected,
    UsageError,
)
from orchestrator.errors import (
    InvalidRequest,
    JournalError,
    OutputFailed,
    RunFailed,
    RunInUse,
    RunRefused,
    RunUnreadable,
    ToolDefinitionError,
    ToolUnavailable,
    UnknownModel,
)
from orchestrator.openai_api.api_error import ApiError, error_of
from planners import PlanError
from tests.orchestrator.openai_api.clients import Server, client

SECRET = "secret"
ADDRESS = "http://10.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("error", "raised", "status", "code", "param"),
    [
        (InvalidRequest("n of 2", "n"), BadRequestError, 400, "invalid_value", "n"),
        (UnknownModel("x", ["m"]), NotFoundError, 404, "model_not_found", "model"),
        (ContextTooLong(9, 8), BadRequestError, 400, "context_length_exceeded", None),
        (CapabilityMissing("no"), BadRequestError, 400, "unsupported_value", None),
        (RequestRejected(f"{ADDRESS}: no"), BadRequestError, 400, "request_rejected", None),
        (BudgetExhausted("tokens", 2, 1, "a"), BadRequestError, 400, "budget_exhausted", None),
        (UsageError("no"), BadRequestError, 400, "invalid_value", None),
        (RunInUse(SECRET, 7), ConflictError, 409, "run_in_use", None),
        (RunUnreadable(SECRET), NotFoundError, 404, "run_not_found", None),
        (EngineOverloaded(SECRET, 2.5), RateLimitError, 429, "engine_overloaded", None),
        (EngineUnavailable(SECRET), InternalServerError, 503, "engine_unavailable", None),
        (CallTimedOut(SECRET), InternalServerError, 504, "engine_timeout", None),
        (EngineDead(SECRET), InternalServerError, 503, "engine_dead", None),
        (NotAnEngine(SECRET), InternalServerError, 502, "not_an_engine", None),
        (InvalidOutput("no JSON", 3, 9), InternalServerError, 500, "invalid_output", None),
        (RunFailed(SECRET, {}), InternalServerError, 500, "run_failed", None),
        (ToolUnavailable(SECRET), InternalServerError, 500, "tool_failed", None),
        (ToolDefinitionError(SECRET), InternalServerError, 500, "tool_definition", None),
        (JournalError(SECRET), InternalServerError, 500, "internal_error", None),
        (ZeroDivisionError(SECRET), InternalServerError, 500, "internal_error", None),
        (ExceptionGroup("", [EngineDead(SECRET)]), InternalServerError, 503, "engine_dead", None),
    ],
)
def test_every_error_is_one_of_the_clients(
    error: Exception, raised: type[APIStatusError], status: int, code: str, param: str | None
) -> None:
    ErrorObject.model_validate(error_of(error).body()["error"], strict=True)
    with pytest.raises(raised) as caught:
        client(Server(error=error)).responses.create(model="m", input="Why?")
    found = caught.value
    assert (found.status_code, found.code, found.param) == (status, code, param)
    assert SECRET not in found.message
    assert ADDRESS not in found.message


def test_a_refusal_says_what_it_refuses() -> None:
    with pytest.raises(BadRequestError, match="n of 200 does not fit") as caught:
        client(Server()).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Why?"}], n=200
        )
    assert caught.value.param == "n"
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (EngineOverloaded("", 2.5), {"retry-after": "3"}),
        (EngineUnavailable(""), {"retry-after": "1"}),
        # The client would try these again by itself.
        (RunFailed("", {}), {"x-should-retry": "false"}),
        (KeyError("a bug"), {"x-should-retry": "false"}),
        (InvalidRequest(""), {}),
    ],
)
def test_clients_try_again_what_may_succeed(error: Exception, headers: dict[str, str]) -> None:
    assert error_of(error).headers == headers


@pytest.mark.parametrize(
    "address",
    [ADDRESS, "http://[::1]:8000/v1", "https://user:pass@host:443/v1?a=b", "unix:///run/engine"],
)
def test_where_the_engine_is_stays_hidden(address: str) -> None:
    assert error_of(RequestRejected(f"{address}: no")).message == "(...): no"
    assert error_of(RequestRejected(f"no ({address}), sorry")).message == "no ((...)), sorry"


def test_what_a_client_says_is_its_own() -> None:
    said = error_of(InvalidRequest("model of http://a/b is not here")).message
    assert said == "model of http://a/b is not here"


def test_a_failed_run_names_its_nodes_and_no_reason() -> None:
    outcomes = {
        "a": Outcome("ok", 1),
        "b": Outcome("failed", reason=f"nothing at {ADDRESS}"),
        "c": Outcome("cancelled", reason="b failed"),
    }
    said = error_of(RunFailed(f"; its events are in /runs/{SECRET}", outcomes)).message
    assert said == "the run has no answer, since node b failed: see the server's log"


def test_of_thousands_of_nodes_some_are_named() -> None:
    failed = {str(number): Outcome("failed", 0) for number in range(1000)}
    said = error_of(RunFailed("", failed)).message
    assert "nodes 0, 1, 2, 3, 4, 5, 6, 7 and 992 more failed" in said


@pytest.mark.parametrize(
    ("what", "code"), [("budget", "budget_exhausted"), ("window", "context_length_exceeded")]
)
def test_a_run_that_had_no_room_is_the_clients_to_help(
    what: Literal["budget", "window"], code: str
) -> None:
    error = error_of(RunRefused(f"node 1 has no room at {ADDRESS}: give more", {}, what))
    assert (error.status, error.code) == (400, code)
    assert error.message == "node 1 has no room at (...): give more"


def test_an_output_that_had_no_room_is_the_clients_to_help() -> None:
    failed = OutputFailed("no", None)
    assert (error_of(failed).status, error_of(failed).code) == (500, "invalid_output")
    for cause, code in (
        (BudgetExhausted("tokens", 2, 1, "(output)"), "budget_exhausted"),
        (ContextTooLong(9, 8), "context_length_exceeded"),
    ):
        failed.__cause__ = cause
        assert (error_of(failed).status, error_of(failed).code) == (400, code)


@pytest.mark.parametrize(
    "error", [PlanError("step 1: use --planner single"), MissingExtra("hogwild", "vllm")]
)
def test_who_only_asks_gets_no_advice_for_who_runs_the_server(error: Exception) -> None:
    said = error_of(error).message
    assert "method" in said
    assert "--" not in said
    assert "pip" not in said


def test_an_error_of_the_api_is_told_as_it_is() -> None:
    error = ApiError(413, "the body is\ntoo long")
    assert error_of(error) is error
    assert error.body() == {
        "error": {
            "message": "the body is too long",
            "type": "invalid_request_error",
            "param": None,
            "code": "body_too_large",
        }
    }
    assert ApiError(429, "").kind == "rate_limit_error"
    assert ApiError(503, "").kind == "server_error"
    assert ApiError(418, "", "teapot", "tea", "cup").body()["error"] == {
        "message": "",
        "type": "teapot",
        "param": "cup",
        "code": "tea",
    }
