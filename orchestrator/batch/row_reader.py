"""Makes rows of lines: which line asks what, and what is wrong with those that ask nothing.

    {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {...}}     OpenAI's batch format
    {"id": "a", "prompt": "...", "max_tokens": 64}                                         plain: a prompt with an id

A plain row takes what a body of `/v1/completions` takes; its other fields are its owner's, and nothing to us. It knows
no file and no engine. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from ..errors import InvalidRequest
from ..openai_api.body_fields import FIELDS
from ..openai_api.model_request import ModelRequest, read_chat, read_completion
from ..openai_api.told_values import is_unicode, told, told_in
from .output_lines import error_line
from .row import Finished, Row, RowId, RowKind
from .seen_ids import SeenIds

_URLS: Mapping[str, RowKind] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completion",
}
_ROW_FIELDS = ("custom_id", "method", "url", "body")


class _Named(NamedTuple):
    """A line that is an object with an id."""

    id: RowId
    is_plain: bool
    data: dict[str, Any]


def read_rows(
    lines: Iterable[bytes],
    part: range,
    seen: SeenIds,
    done: Callable[[int], bool],
    refused: Callable[[Finished], object],
) -> Iterator[Row]:
    """The rows of a part of a file, as they are pulled.

    Args:
        lines: All lines of the file: an id may be a line's before the part.
        part: The numbers of the lines that are wanted, from 1 on.
        seen: The ids of the file, none so far.
        done: Whether a line needs nothing any more.
        refused: Gets what became of lines that are no rows.
    """
    for number, line in enumerate(lines, start=1):
        if number >= part.stop:
            break
        wanted = number in part and not done(number)
        row = _read(number, line, seen, wanted)
        if isinstance(row, Finished):
            refused(row)
        elif row is not None:
            yield row


def _read(number: int, line: bytes, seen: SeenIds, wanted: bool) -> Row | Finished | None:
    """A line's row, or what is wrong with it; None where it is not wanted, and only its id counts."""
    name: RowId | None = None
    kind: RowKind | None = None
    try:
        data = _object(line)
        named = _named(data)
        name, kind = named.id, "plain" if named.is_plain else "chat"
        first = seen.first_line(str(name), number)
        if not wanted:
            return None
        if first != number:
            raise InvalidRequest(f"its id {told(name)} is that of line {first} too", "id")
        return _row(number, named)
    except InvalidRequest as error:
        if not wanted:
            return None
        return Finished(line=number, end="failed", text=error_line(number, name, kind, error))


def _object(line: bytes) -> dict[str, Any]:
    try:
        data = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"byte {error.start + 1} of the line is not UTF-8") from None
    except json.JSONDecodeError as error:
        said = f"{error.msg} at character {error.pos + 1}"
        raise InvalidRequest(
            f"the line is not JSON: {said}" if line.strip() else "the line is empty"
        ) from None
    except RecursionError:
        raise InvalidRequest("the line is nested too deeply") from None
    except ValueError:
        # What Python refuses to read so that nobody waits for it.
        raise InvalidRequest("the line has a number with too many digits") from None
    if not isinstance(data, dict):
        raise InvalidRequest(f"the line has to be an object, and is {told(data)}")
    return data


def _named(data: dict[str, Any]) -> _Named:
    # A plain row may have a field called body, as mails do.
    if "custom_id" in data or ("body" in data and "prompt" not in data):
        return _Named(_id(data, "custom_id", str), False, data)
    if "id" in data or "prompt" in data:
        return _Named(_id(data, "id", str, int), True, data)
    raise InvalidRequest("the line has neither custom_id and body nor id and prompt")


def _id(data: Mapping[str, Any], field: str, *kinds: type[RowId]) -> RowId:
    name = data.get(field)
    if not isinstance(name, kinds) or isinstance(name, bool) or name == "":
        kind = "text or whole number" if int in kinds else "text"
        raise InvalidRequest(f"{field} has to be a {kind}, and is {told_in(data, field)}", field)
    if isinstance(name, str) and not is_unicode(name):
        raise InvalidRequest(f"{field} is no Unicode text: it has half of a surrogate pair", field)
    return name


def _row(number: int, named: _Named) -> Row:
    if named.is_plain:
        body = {key: value for key, value in named.data.items() if key in FIELDS or key == "prompt"}
        return Row(line=number, id=named.id, kind="plain", request=read_completion(body))
    kind, request = _request(named.data)
    return Row(line=number, id=named.id, kind=kind, request=request)


def _request(data: Mapping[str, Any]) -> tuple[RowKind, ModelRequest]:
    for key in data:
        if key not in _ROW_FIELDS:
            _refuse(key, f"{told(key)} is no field of a row: they are {', '.join(_ROW_FIELDS)}")
    method, url, body = data.get("method", "POST"), data.get("url"), data.get("body")
    if method != "POST":
        _refuse("method", f"method has to be POST, and is {told(method)}")
    kind = _URLS.get(url) if isinstance(url, str) else None
    if kind is None:
        _refuse("url", f"url has to be one of {', '.join(_URLS)}, and is {told_in(data, 'url')}")
    if not isinstance(body, dict):
        _refuse("body", f"body has to be an object, and is {told_in(data, 'body')}")
    return kind, read_chat(body) if kind == "chat" else read_completion(body)


def _refuse(field: str, message: str) -> NoReturn:
    raise InvalidRequest(message, field)
