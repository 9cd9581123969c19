"""Scores that are remembered, so that nothing is scored twice: searches and votes see the same answer many times.

candidates ─┬─ known ────────────────────────────────────────────┬─> scores
            ├─ new, together in one batch ─> the scorer ─────────┤
            └─ being scored for somebody else ─> wait for that ──┘
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import anyio

from engines import Context, Engine, Usage

from ..answer import Answer
from .scorer import Scorer, Scores, require_ready, scores_of
from .verifier import Verifier

# A key and a number each; the oldest go first.
_MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """Another scorer, asked once for the same question and answer on the same model.

    Questions and answers are told apart by their token ids, where they have any, else by their texts; the names of
    contexts make no difference. So a score has to follow from these. Who asks first pays, and a score that failed is
    asked for again.

    Attributes:
        scorer: Scores what is new.
    """

    scorer: Scorer = Verifier()
    _known: dict[bytes, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _begun: dict[bytes, anyio.Event] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Refuses a scorer that is not ready."""
        require_ready(self.scorer)

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Scores what is new in one batch, and waits for what others are having scored."""
        question = _question(context, engine)
        keys = [_key(question, candidate) for candidate in candidates]
        asked = dict(zip(keys, candidates, strict=True))
        found: dict[bytes, float] = {}
        usage, critical_path, remarks = Usage(), 0, []
        attempt = 0
        while True:
            found |= {key: self._known[key] for key in asked if key in self._known}
            missing = [key for key in asked if key not in found]
            if not missing:
                break
            new = [key for key in missing if key not in self._begun]
            others = [self._begun[key] for key in missing if key in self._begun]
            if new:
                place = context if attempt == 0 else context.fork(f"again-{attempt}")
                attempt += 1
                with self._beginning(new):
                    scores = await scores_of(
                        self.scorer, [asked[key] for key in new], place, engine
                    )
                    scored = dict(zip(new, scores.values, strict=True))
                    self._keep(_certain(scored, scores.remark))
                found |= scored
                usage += scores.usage
                critical_path += scores.critical_path
                remarks.append(scores.remark)
            for other in others:
                await other.wait()
        return Scores(
            values=tuple(found[key] for key in keys),
            usage=usage,
            critical_path=critical_path,
            remark="; ".join(filter(None, remarks)),
        )

    @contextmanager
    def _beginning(self, keys: Sequence[bytes]) -> Iterator[None]:
        """A block in which others wait for these."""
        event = anyio.Event()
        self._begun.update(dict.fromkeys(keys, event))
        try:
            yield
        finally:
            for key in keys:
                del self._begun[key]
            event.set()

    def _keep(self, scored: dict[bytes, float]) -> None:
        self._known.update(scored)
        excess = max(0, len(self._known) - _MOST)
        for key in list(islice(self._known, excess)):
            del self._known[key]


def _certain(scored: dict[bytes, float], remark: str) -> dict[bytes, float]:
    """Those that would be the same again: where some were lost, as a remark tells, these have the least value."""
    least = min(scored.values(), default=0.0)
    return {key: value for key, value in scored.items() if not remark or value > least}


def _question(context: Context, engine: Engine) -> bytes:
    """What stands for a question on a model."""
    said = hashlib.blake2b(repr(engine.fingerprint).encode(), digest_size=16)
    if context.has_token_ids:
        said.update(_bytes(context.token_ids))
    else:
        said.update(repr([(turn.role, turn.text) for turn in context.turns]).encode())
    return said.digest()


def _key(question: bytes, candidate: Answer) -> bytes:
    said = hashlib.blake2b(question, digest_size=16)
    # Checks look at the value, which a method may have set.
    said.update(repr((candidate.value, candidate.truncated)).encode())
    said.update(
        _bytes(candidate.token_ids)
        if candidate.token_ids
        else candidate.text.encode("utf-8", "surrogatepass")
    )
    return said.digest()


def _bytes(ids: Sequence[int]) -> bytes:
    return array("q", ids).tobytes()
