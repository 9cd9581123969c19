"""What a search decided: which leaves went on, and why the others did not. Pure.

A search keeps it as the decision `PATH#select-N`: the children that leaves got, a remark, and the scores of the leaves
that it chose from; older journals have no scores. A leaf is known by the numbers of the children on the way to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

_MARK = "#select-"


class Verdict(NamedTuple):
    """What became of a leaf.

    Attributes:
        path: Of its thread.
        went_on: Whether it got children.
        score: What it was chosen by; None if nobody knows.
        reason: Why it did not go on; empty if it did.
    """

    path: str
    went_on: bool
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One decision of a search.

    Attributes:
        wave: Its number, from 0.
        chosen: How many children leaves got, by the paths of their threads.
        leaves: What there was to choose from, with scores as far as they are known; None in an older journal.
        remark: What the rule said of it.
    """

    wave: int
    chosen: Mapping[str, int]
    leaves: Mapping[str, float | None] | None
    remark: str

    def data(self) -> dict[str, Any]:
        """As JSON data."""
        leaves = {} if self.leaves is None else {"leaves": list(map(list, self.leaves.items()))}
        return {"chosen": list(map(list, self.chosen.items())), "remark": self.remark, **leaves}

    def verdicts(self) -> Iterator[Verdict]:
        """What became of each leaf, as far as it is known."""
        leaves = self.leaves or {}
        for path in self.chosen:
            yield Verdict(path, True, leaves.get(path), "")
        reason = self._reason_of_others()
        for path, score in leaves.items():
            if path not in self.chosen:
                yield Verdict(path, False, score, reason)

    def _reason_of_others(self) -> str:
        leaves = self.leaves or {}
        # Rules may also choose from what was passed over before.
        went_on = [leaves[path] for path in self.chosen if path in leaves]
        scores = [score for score in went_on if score is not None]
        least = f", the least with {min(scores):.3g}" if scores else ""
        return f"passed over: {len(went_on):,} of {len(leaves):,} went on{least}"


def selection_of(path: str, value: Any) -> Selection | None:
    """The selection that a decision is; None where it is another one, or nothing that can be read."""
    prompt, mark, number = path.rpartition(_MARK)
    if not mark or not number.isdecimal():
        return None
    try:
        chosen, remark, *rest = value
        return Selection(
            wave=int(number),
            chosen={_path(prompt, key): int(children) for key, children in chosen},
            leaves={_path(prompt, key): known_score(score) for key, score in rest[0]}
            if rest
            else None,
            remark=str(remark),
        )
    except (TypeError, ValueError, AttributeError, OverflowError):
        return None


def _path(prompt: str, key: str) -> str:
    steps = "".join(f"/step-{number}" for number in key.split("/")) if key else ""
    return f"{prompt}{steps}"


def known_score(score: Any) -> float | None:
    """A score as JSON data; None for what is no number, as some journals and samples of others have it."""
    return float(score) if isinstance(score, int | float) and isfinite(score) else None
