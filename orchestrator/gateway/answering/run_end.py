"""The last pieces of a run: what of its answer was not said yet, the client's calls, and what all of it took. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import to_jsonable_python

from engines import Usage
from reasoning import Answer
from reasoning.thread_tree import thread_data

from ...errors import RunDeferred
from ...openai_api.pieces import Ended, Finished, Piece, Said
from ...output import OUTPUT
from ...run_result import RunResult
from .client_tools import tool_calls
from .telling import Telling

# A remark may tell why the engine failed a thread, and where that is is nobody's business.
_ADDRESS = re.compile(r"\b[a-z]+://\S+|(?<![\w/])/(?:[\w.-]+/)+[\w.-]+")


def last_pieces(result: RunResult[Any], telling: Telling, *, says: bool) -> Iterator[Piece]:
    """The end of a run that came to an answer.

    Args:
        result: What it gave.
        telling: What the client has been told.
        says: Whether it is to read the answer's text, and not the value that was made of it.
    """
    usage = _less(result.usage, telling.before)
    content = content_of(result, says=says)
    yield from telling.thoughts(content)
    rest = content.removeprefix(telling.said)
    if rest:
        yield Said(rest)
    yield Finished("length" if result.answer.truncated else "stop")
    yield Ended(
        usage=usage,
        reasoning_tokens=max(0, usage.generated_tokens - _own_tokens(result, says=says)),
        detail=_detail(result),
    )


def deferred_pieces(deferred: RunDeferred, telling: Telling, *, parallel: bool) -> Iterator[Piece]:
    """The end of a run that waits for calls of the client.

    Args:
        deferred: What it waits for.
        telling: What the client has been told.
        parallel: Whether it takes several calls at once.
    """
    usage = _less(deferred.usage, telling.before)
    yield from telling.thoughts("")
    yield from tool_calls(deferred, parallel=parallel)
    yield Finished("tool_calls")
    yield Ended(
        usage=usage,
        reasoning_tokens=usage.generated_tokens,
        detail={"run": deferred.folder.name},
    )


def content_of(result: RunResult[Any], *, says: bool) -> str:
    """What a person reads as the answer: its text without tags and threads, or the value as JSON."""
    if not says:
        return json.dumps(to_jsonable_python(result.output), ensure_ascii=False)
    return _words(result.answer)


def _less(usage: Usage, before: Usage) -> Usage:
    """What this request took, of a run that earlier ones have begun."""
    cached = usage.cached_tokens
    return Usage(
        prompt_tokens=usage.prompt_tokens - before.prompt_tokens,
        cached_tokens=None if cached is None else cached - (before.cached_tokens or 0),
        generated_tokens=usage.generated_tokens - before.generated_tokens,
        lower_bound=usage.lower_bound,
    )


def _words(answer: Answer) -> str:
    return answer.text if answer.words is None else answer.words


def _own_tokens(result: RunResult[Any], *, says: bool) -> int:
    """Tokens of what the client reads, as far as it is one thread's."""
    put = result.usage_by_node.get(OUTPUT, Usage()).generated_tokens
    if not says and put:
        return put
    answer = result.answer
    return len(answer.token_ids) or (0 if answer.branches else answer.usage.generated_tokens)


def _detail(result: RunResult[Any]) -> dict[str, Any]:
    return {
        "run": "" if result.folder is None else result.folder.name,
        "value": result.answer.final,
        "remark": _ADDRESS.sub("(...)", result.remark),
        "critical_path": result.critical_path,
        "parallel_ratio": round(result.parallel_ratio, 3),
        "seconds": round(result.seconds, 3),
        "usage": {name: usage.model_dump() for name, usage in result.usage_by_node.items()},
        "threads": _without_reasons(thread_data(result.answer)),
    }


def _without_reasons(threads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            **{name: value for name, value in thread.items() if name != "reason"},
            "threads": _without_reasons(thread["threads"]),
        }
        for thread in threads
    ]
