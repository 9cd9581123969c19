"""Events as lines of a stream: server-sent events, whose data is JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

DONE = b"data: [DONE]\n\n"
"""What ends a stream of chunks."""

_encoder = msgspec.json.Encoder()


def data_lines(data: Mapping[str, Any]) -> bytes:
    """An event without a name."""
    return b"data: %b\n\n" % _line(data)


def event_lines(data: Mapping[str, Any]) -> bytes:
    """An event that is named as its `type` says."""
    return b"event: %b\ndata: %b\n\n" % (str(data["type"]).encode(), _line(data))


def _line(data: Mapping[str, Any]) -> bytes:
    """JSON in one line, whatever a reader takes for the end of one."""
    try:
        line = _encoder.encode(data)
    except UnicodeEncodeError:
        # Half of a character, which a tool may have found.
        return json.dumps(data).encode()
    if line.isascii() or len(line.decode().splitlines()) == 1:
        return line
    return json.dumps(data).encode()
