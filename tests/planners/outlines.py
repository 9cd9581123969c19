"""What a scripted model says when SCALE asks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from engines import Context, ForkjoinError, Sampling
from engines.fake_engine import Scripted
from planners import Vocabulary

Reply = str | Scripted | ForkjoinError
Script = Callable[[Context, Sampling], Reply]

VOCABULARY = Vocabulary(
    tools={}, methods=["chain-of-thought", "self-consistency"], reducers=["synthesise"]
)
BAD = '{"conditions": "", "steps": []}'


def outline(*needs: list[int], conditions: str = "a = 1") -> str:
    """The JSON of a decomposition with these needs."""
    steps = [
        {"id": number, "task": f"Find {number}.", "needs": list(need)}
        for number, need in enumerate(needs, start=1)
    ]
    return json.dumps({"conditions": conditions, "steps": steps})


DIAMOND = outline([], [1], [1], [2, 3])


def scale_script(
    replies: Mapping[str, Reply], outlined: str = DIAMOND, difficulty: str = "6"
) -> Script:
    """Answers by the path of the context; else one outline for all versions, one digit for all scores."""

    def script(context: Context, sampling: Sampling) -> Reply:
        path = context.path
        if path in replies:
            return replies[path]
        if path.startswith("scale/outline/"):
            return outlined
        if path.startswith("scale/score/"):
            return difficulty
        if path == "scale/select":
            return "1"
        # Of a thread: its step, so that its samples agree.
        return f"so \\boxed{{{path.split('/')[1]}}}"

    return script


def version(number: int, suffix: str = "") -> str:
    return f"scale/outline/version-{number}{suffix}"
