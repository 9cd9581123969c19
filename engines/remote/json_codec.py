"""JSON for the wire.

A call with a prompt of 6,000 ids spends 0.9 ms in Python's own `json`, more than in the rest of the HTTP client, and
0.2 ms in msgspec. What msgspec refuses, such as half of a surrogate pair, goes the slow way.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encoded(value: object) -> bytes:
    """The JSON of plain data.

    >>> encoded({"prompt": (1, 2)})
    b'{"prompt":[1,2]}'
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def decoded_object(data: bytes) -> dict[str, Any] | None:
    """The object that the JSON is; None where it is no JSON, or no object."""
    try:
        found = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _decoded_slowly(data)
    return found if isinstance(found, dict) else None


def is_json(data: bytes) -> bool:
    """Whether it is JSON of any kind, and nothing of it is missing; bytes that are no UTF-8 miss nothing."""
    try:
        json.loads(data.decode("utf-8-sig", errors="replace"))
    except ValueError:
        return False
    return True


def _decoded_slowly(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
