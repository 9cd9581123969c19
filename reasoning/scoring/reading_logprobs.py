"""Threads tell their logprobs where something will read them: what scores by confidence says so of itself.

BestOfN(scorer) ──────────────────────┐
SelfConsistency(reducer(scorer)) ─────┼─> reads_logprobs = 20? ─> the threads' engine asks for 20
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from engines import Engine, LogprobsEngine


def with_logprobs_for(reader: object, engine: Engine) -> Engine:
    """The engine for threads that a scorer or a reducer will read: it asks for the logprobs that these need.

    Args:
        reader: A configuration. It, or a part of it, may have `reads_logprobs`: how many are needed.
        engine: Thinks.
    """
    logprobs = _read_by(reader)
    return engine if logprobs is None else LogprobsEngine(engine, logprobs)


def _read_by(reader: object) -> int | None:
    own: int | None = getattr(reader, "reads_logprobs", None)
    if own is not None or not is_dataclass(reader):
        return own
    parts = (_read_by(getattr(reader, field.name)) for field in fields(reader))
    return next((known for known in parts if known is not None), None)
