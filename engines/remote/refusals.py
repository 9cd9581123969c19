"""What a status other than success means: whose fault it is, and whether to try again. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import (
    ContextTooLong,
    EngineError,
    EngineOverloaded,
    EngineUnavailable,
    NotAnEngine,
    RequestRejected,
)
from .json_codec import decoded_object
from .transport import proxy_refuses

_LONGEST_MESSAGE = 500


def refusal(
    url: str, path: str, status: int, headers: Mapping[str, str], body: bytes, now: float
) -> EngineError | None:
    """The error that an answer stands for; None for a success.

    Args:
        url: The server.
        path: What it was asked for.
        status: The status of the answer.
        headers: Its headers.
        body: Its body.
        now: The time of day, in seconds since 1970.
    """
    if 200 <= status < 300:
        return None
    found = decoded_object(body)
    if status == 407:
        return proxy_refuses(url)
    # A proxy says in HTML that the server is down, wants a key or takes less; other pages are no engine.
    if found is None and status < 500 and status not in (401, 403, 413, 429):
        if status in (301, 302, 303, 307, 308) and "location" in headers:
            return NotAnEngine(f"{url} redirects to {headers['location']}: use that address")
        return not_an_engine(url + path, status, headers)
    message = _message(found, body.decode(errors="replace"))
    return error_for(url, status, message, retry_after(headers, now))


def error_event(url: str, event: dict[str, Any]) -> EngineError:
    """The error that an event in a stream stands for; the answer itself began with 200."""
    error = event["error"]
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return error_for(url, status, _message(event, ""), None)


def error_for(url: str, status: int, message: str, wait: float | None) -> EngineError:
    """The error for a status; `wait` is after how many seconds the server wants to be asked again."""
    if status in (401, 403):
        return RequestRejected(
            f"{url} refuses the key: {message}; set OPENAI_API_KEY to a key of this server"
        )
    if status == 429 or status >= 500:
        said = f"{url} answered {status}: {message}; try again later"
        if status == 429 or (status == 503 and wait is not None):
            return EngineOverloaded(said, wait)
        return EngineUnavailable(said)
    sizes = _context_sizes(message)
    if sizes is not None:
        return ContextTooLong(*sizes)
    if status == 413:
        return RequestRejected(
            f"{url} takes no request of this length: {message}; shorten the context, or raise the limit of the "
            f"server or of the proxy before it (nginx: client_max_body_size)"
        )
    return RequestRejected(f"{url} refuses the request: {message}")


def not_an_engine(address: str, status: int, headers: Mapping[str, str]) -> NotAnEngine:
    """Something else answers at the address."""
    return NotAnEngine(
        f"{address} answered {status} {content_type(headers)}, not as an "
        f"OpenAI-compatible API: check the address; it usually ends in /v1"
    )


def content_type(headers: Mapping[str, str]) -> str:
    """The kind of the body, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """After how many seconds the server wants to be asked again; None where it does not say.

    A date counts from the server's own clock, where it tells it.

    >>> retry_after({"retry-after": "1.5"}, now=0)
    1.5
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=20)
    40.0
    """
    wanted = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d*)?", wanted):
        return float(wanted)
    at = _seconds_of(wanted)
    if at is None:
        return None
    clock = _seconds_of(headers.get("date", ""))
    return max(at - (now if clock is None else clock), 0.0)


def _seconds_of(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _message(body: dict[str, Any] | None, text: str) -> str:
    """What a server says went wrong, in one line; servers differ in where they say it."""
    found: Any = body or text
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    line = " ".join(str(found).split())
    return line[:_LONGEST_MESSAGE] or "no reason given"


def _context_sizes(message: str) -> tuple[int, int] | None:
    """Tokens and window, where a server says that a context is too long.

    >>> said = "maximum context length is 4097 tokens. However, it resulted in 5000 tokens"
    >>> _context_sizes(said)
    (5000, 4097)
    """
    window = re.search(r"maximum context length is (\d+)", message)
    tokens = re.search(r"(\d+) (?:input tokens|in the messages)|resulted in (\d+) tokens", message)
    return (int(tokens[1] or tokens[2]), int(window[1])) if window and tokens else None
