"""Which of several decompositions is the best: the model says its number, in one call.

It does not know where they come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines import Choice, Context, Engine, Sampling, converse, join

from ..asking import ask
from .decomposition import Decomposition


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The one that was selected.

    Attributes:
        selected: It.
        critical_path: Tokens generated one after another.
        remark: Why the model did not select it; empty if it did, or there was one only.
    """

    selected: Decomposition
    critical_path: int = 0
    remark: str = ""


async def select(
    versions: Sequence[Decomposition],
    context: Context,
    engine: Engine,
    sampling: Sampling,
    *,
    attempts: int,
) -> Selection:
    """Has the model choose; where it does not, the first of the most common structure is taken.

    Args:
        versions: At least one, all different; of one alone nothing is asked.
        context: The problem, in the user's turn.
        engine: Chooses.
        sampling: How; a seed is made the branch's own.
        attempts: How often an engine is asked that cannot make the model write a number.
    """
    if len(versions) == 1:
        return Selection(selected=versions[0])
    listed = "\n\n".join(f"Version {n}:\n{one}" for n, one in enumerate(versions, start=1))
    request = (
        f"\n\nIt can be split into steps in these ways:\n\n{listed}\n\n"
        f"Which version is the best? Give its number."
    )
    prompt = await converse(engine, [("user", request)], after=context, name="select")
    if "choice" in engine.capabilities.constraints:
        return await _constrained(versions, prompt, engine, sampling)
    number = {"type": "integer", "minimum": 1, "maximum": len(versions)}
    schema = {"type": "object", "properties": {"version": number}, "required": ["version"]}
    asked = await ask(engine, prompt, schema, sampling, check=_version, attempts=attempts)
    if asked.value is None:
        return _commonest(versions, asked.critical_path, asked.problem)
    return Selection(selected=versions[asked.value - 1], critical_path=asked.critical_path)


def _commonest(versions: Sequence[Decomposition], tokens: int, problem: str) -> Selection:
    counts = Counter(version.structure for version in versions)
    return Selection(
        selected=max(versions, key=lambda version: counts[version.structure]),
        critical_path=tokens,
        remark=f"the outline is the first of the commonest structure, since none was selected: {problem}",
    )


async def _constrained(
    versions: Sequence[Decomposition], prompt: Context, engine: Engine, sampling: Sampling
) -> Selection:
    numbered = {str(number): version for number, version in enumerate(versions, start=1)}
    asked = sampling.for_branch(prompt.path).model_copy(
        update={"constraint": Choice(options=tuple(numbered)), "max_tokens": 8}
    )
    opened = await converse(engine, [("assistant", "")], after=prompt)
    (outcome,) = await join([lambda: engine.generate(opened, asked)])
    if outcome.value is None:
        return _commonest(versions, 0, outcome.reason)
    said, tokens = outcome.value.text, outcome.value.usage.generated_tokens
    if said not in numbered:
        # A budget can cut even this.
        return _commonest(versions, tokens, f"{said!r} is no version")
    return Selection(selected=numbered[said], critical_path=tokens)


def _version(data: Mapping[str, Any]) -> int:
    number: int = data["version"]
    return number
