"""The body of `/v1/responses`, which its stream tells as well, at the beginning and at the end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from engines import JsonSchema

from .answer_bodies import with_detail
from .api_error import ApiError
from .model_request import ModelRequest
from .pieces import Ended
from .usage_bodies import response_usage

Status = Literal["in_progress", "completed", "incomplete", "failed"]

# What may be told of a response that failed; there is no other word in OpenAI's API.
_CODES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}


def response_body(
    request: ModelRequest,
    *,
    name: str,
    model: str,
    created: int,
    status: Status,
    output: Sequence[dict[str, Any]] = (),
    ended: Ended | None = None,
    error: ApiError | None = None,
) -> dict[str, Any]:
    """The response to a request, in a state.

    Args:
        request: What was asked; the response repeats some of it.
        name: Unique among answers.
        model: Who answers.
        created: When, in seconds since 1970.
        status: How far it is.
        output: The items that are there.
        ended: What it took, once that is known.
        error: Why it failed.
    """
    cut = {"reason": "max_output_tokens"} if status == "incomplete" else None
    body = {
        "id": f"resp_{name}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None if error is None else _error(error),
        "incomplete_details": cut,
        "model": model,
        "output": list(output),
        "usage": None if ended is None else response_usage(ended),
    }
    return body | _asked(request) | ({} if ended is None else with_detail(ended.detail))


def _error(error: ApiError) -> dict[str, Any]:
    return {"code": _CODES.get(error.status, "server_error"), "message": error.message}


def _asked(request: ModelRequest) -> dict[str, Any]:
    sampling, choice = request.sampling, request.tool_choice
    named = choice not in ("auto", "none", "required")
    return {
        "instructions": None,
        "max_output_tokens": sampling.get("max_tokens"),
        "metadata": {},
        "parallel_tool_calls": request.parallel_calls,
        "previous_response_id": None,
        "store": False,
        "temperature": sampling.get("temperature"),
        "text": {"format": _form(sampling.get("constraint"))},
        "tool_choice": {"type": "function", "name": choice} if named else choice,
        "tools": [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": None,
            }
            for tool in request.tools
        ],
        "top_p": sampling.get("top_p"),
        "truncation": "disabled",
    }


def _form(constraint: object) -> dict[str, Any]:
    if not isinstance(constraint, JsonSchema):
        return {"type": "text"}
    schema = {"name": "response", "schema": constraint.definition, "strict": True}
    return {"type": "json_schema", **schema}
