"""Under which keys calls are kept: the same in every run of the same code, another for everything else.

A call is known by the names and contents of its context, by how it samples (of a collaboration that is all of it, the
workers' names too), by its seed and by the model. How it is delivered, clamped or retried makes no difference. Pure: it
knows no file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from engines import Context, Sampling


def request_of(sampling: Sampling) -> str:
    """How a call samples, without its seed, as JSON: what many calls have in common."""
    return sampling.model_dump_json(exclude={"seed"})


def call_key(context: Context, request: str, seed: int | None, fingerprint: str) -> bytes:
    """What a call of an engine is known by.

    Args:
        context: What it goes on from; its names count.
        request: As `request_of` gives it.
        seed: Its seed.
        fingerprint: The engine's.
    """
    return _digest(context.digest, str(seed), request, fingerprint)


def tool_key(node: str, tool: str, arguments: Mapping[str, Any]) -> bytes:
    """What a call of a tool is known by."""
    return _digest(b"tool", tool, json.dumps(arguments, sort_keys=True), node)


def _digest(start: bytes, *parts: str) -> bytes:
    # Only the last part can hold a NUL, so none can be taken for the end of the one before.
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(start + text, digest_size=16).digest()
