"""Engines for the programs in documents: they are opened like real ones, and answer that it is 84."""

from __future__ import annotations

import json
from typing import Any

from engines import Choice, Context, Engine, FakeEngine, JsonSchema, LocalEngine, Sampling

_PLAN = "1. multiply(12, 7)\n2. think('check it')\njoin()"
_STEPS = {"conditions": "12 and 7", "steps": [{"id": 1, "task": "Multiply 12 by 7.", "needs": []}]}
_PARTS = {"goal": "Multiply.", "outlines": [{"task": "12 * 7"}, {"task": "Check it."}]}


def reply(context: Context, sampling: Sampling) -> str:
    """What a model could say here."""
    if context.path == "plan":
        return _PLAN
    if "/joiner-" in context.path:
        return json.dumps({"action": "finish", "answer": 84})
    match sampling.constraint:
        case Choice(options=options):
            return options[0]
        case JsonSchema(definition=definition):
            known = _STEPS if "conditions" in json.dumps(definition) else _PARTS
            return json.dumps(known)
        case None:
            return "It is \\boxed{84}."
    return "<Goal>\n<Outline>1: Multiply.</Outline></Goal>"


def opened(*arguments: object, **options: object) -> LocalEngine:
    """In the place of whatever opens an engine."""
    return LocalEngine(_start)


async def _start() -> Engine:
    return FakeEngine(reply)


def install(monkeypatch: Any) -> None:
    """Has programs open these instead of real engines."""
    import engines

    for name in ("local_engine", "hogwild_engine", "HttpEngine", "ReplicaPool"):
        monkeypatch.setattr(engines, name, opened)
