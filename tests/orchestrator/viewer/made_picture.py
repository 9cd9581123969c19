"""A picture of a run that nobody ran, as large as one likes, in the shape of `Picture.data`."""

from __future__ import annotations

import random
from typing import Any


def made_picture(nodes: int, layers: int = 5) -> dict[str, Any]:
    """A plan in layers of equal size, with a call in each node and two edges to the layer before."""
    chance = random.Random(0)
    width = nodes // layers
    made = [_node(chance, layer, place, width) for layer in range(layers) for place in range(width)]
    return {
        "schema_version": 1,
        "version": 1,
        "live": False,
        "run": {
            "name": "made-up", "question": "How large is it?", "model": "none", "state": "ok", "started": "",
            "seconds": 30.0 * layers, "answer": "very", "remark": "", "reason": "", "note": "",
            "method": "", "planner": "",
            "usage": _usage(500 * nodes), "critical_path": 1000, "critical_seconds": 9.0, "nodes": {"ok": nodes},
            "calls": {}, "lives": [],
        },
        "nodes": made,
        "threads": [_thread(node) for node in made],
        "calls": [_call(number, node) for number, node in enumerate(made, 1)],
        "decisions": [],
    }  # fmt: skip


def _usage(prompt: int) -> dict[str, Any]:
    cached, generated = prompt // 2, prompt // 3
    return {
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "generated_tokens": generated,
        "lower_bound": False,
    }


def _node(chance: random.Random, layer: int, place: int, width: int) -> dict[str, Any]:
    before = {min(width - 1, max(0, place + chance.randrange(-9, 10))) for _ in range(2)}
    start = 30.0 * layer + 20 * chance.random()
    state = "failed" if chance.random() < 0.02 else "ok"
    return {
        "id": f"n{layer}-{place}", "kind": "think", "label": f"think: part {place}", "what": "best-of-n", "asked": "?",
        "state": state, "reason": "", "start": start, "end": start + 10 * chance.random(), "critical": place == 7,
        "depends": [f"n{layer - 1}-{one}" for one in sorted(before)] if layer else [], "layer": layer, "place": place,
        "usage": _usage(500), "calls": 1, "cached_share": 0.5, "result": "so", "text": None, "version": 1,
    }  # fmt: skip


def _thread(node: dict[str, Any]) -> dict[str, Any]:
    kept = {key: node[key] for key in ("start", "end", "usage", "calls", "state", "reason")}
    path, score = f"root/{node['id']}", node["place"] / 1000
    told = {"chosen": True, "score": score, "value": "so", "name": node["id"], "parent": None}
    return {"id": path, "node": node["id"], "version": 1, **told, **kept}


def _call(number: int, node: dict[str, Any]) -> dict[str, Any]:
    kept = {key: node[key] for key in ("start", "end", "usage")}
    return {
        "id": number, "node": node["id"], "thread": f"root/{node['id']}", "state": "stop", "limited_by": None,
        "replayed": False, "notices": [], "workers": 1, "preview": "so", "text": None, "version": 1, **kept,
    }  # fmt: skip
