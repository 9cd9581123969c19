"""The lines that a batch writes: an answer, or why there is none, in the format of its row. Pure.

Nothing in a line depends on time or chance: its ids come from the row, `created` is 0, and how much of a prompt was
cached is left out, since that depends on what ran before.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engines import BudgetExhausted, EngineError, ForkjoinError, Usage
from reasoning import Answer
from reasoning.thread_tree import thread_data

from ..errors import InvalidRequest
from ..openai_api.answer_bodies import chat_completion, text_completion
from .row import Row, RowId, RowKind


def answer_line(row: Row, answer: Answer, model: str) -> str:
    """The line of a row that was answered.

    Args:
        row: The row.
        answer: What it came to.
        model: Who thought.
    """
    text = answer.text if answer.words is None else answer.words
    end = "length" if answer.truncated else "stop"
    if row.kind == "plain":
        data = {"id": row.id, "text": text, "finish_reason": end, "usage": _usage(answer.usage)}
        return json_line(data | _detail(answer))
    name = _name(row.line, row.id)
    make = chat_completion if row.kind == "chat" else text_completion
    body = make(name, model, text, end, _usage(answer.usage)) | {"forkjoin": _detail(answer)}
    response = {"status_code": 200, "request_id": f"req_{name}", "body": body}
    return json_line(
        {"id": f"batch_req_{name}", "custom_id": row.id, "response": response, "error": None}
    )


def error_line(
    line: int, name: RowId | None, kind: RowKind | None, error: ForkjoinError | str
) -> str:
    """The line of a row that failed.

    Args:
        line: Its number in the input.
        name: Its id; None where it has none.
        kind: Its format; None where that cannot be told.
        error: What went wrong; a text says what of a budget was used up.
    """
    # A person reads it, and looks for it by lines.
    said = {"code": _code(error), "message": " ".join(str(error).split())}
    if kind is None or kind == "plain":
        return json_line({"line": line, "id": name, "error": said})
    return json_line(
        {
            "line": line,
            "id": f"batch_req_{_name(line, name)}",
            "custom_id": name,
            "response": None,
            "error": said,
        }
    )


def json_line(data: object) -> str:
    """JSON data in one line, whatever a reader takes for the end of one."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(data)
    return text if len(text.splitlines()) == 1 else json.dumps(data)


def _code(error: ForkjoinError | str) -> str:
    match error:
        case InvalidRequest():
            return "invalid_request"
        case str() | BudgetExhausted():
            return "budget_exhausted"
        case EngineError():
            return "engine_unavailable" if error.retryable else "engine_error"
        case _:
            return "failed"


def _name(line: int, name: RowId | None) -> str:
    return hashlib.sha256(f"{line}:{name}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _usage(usage: Usage) -> dict[str, int]:
    prompt, generated = usage.prompt_tokens, usage.generated_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    }


def _detail(answer: Answer) -> dict[str, Any]:
    """What the format of OpenAI has no place for; what says nothing is left out."""
    rest = {
        "usage_is_lower_bound": answer.usage.lower_bound,
        "remark": answer.remark,
        "threads": [_without_cached(thread) for thread in thread_data(answer)],
    }
    return {
        "answer": answer.value,
        "critical_path": answer.critical_path,
        **{name: value for name, value in rest.items() if value},
    }


def _without_cached(thread: dict[str, Any]) -> dict[str, Any]:
    usage = Usage(**thread["usage"])
    threads = [_without_cached(inner) for inner in thread["threads"]]
    return thread | {"usage": _usage(usage), "threads": threads}
