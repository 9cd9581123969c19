"""Threads side by side: the one place where methods fork, wait, cut and count.

context ──┬─> fork ─> method ─┐
          ├─> fork ─> method ─┼─ wait policy ─> branches, in the order of the forks, none of them lost
          └─> fork ─> method ─┘

What a branch costs is counted at the engine, so that what failed or was cut counts too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from engines import (
    All,
    Context,
    Engine,
    JoinPolicy,
    LedgerEngine,
    Outcome,
    PartwiseEngine,
    Usage,
    join,
    join_in_order,
)

from .answer import Answer, Branch, usable
from .errors import NoCandidates
from .extraction import extract_answer

Think = Callable[[Context, Engine], Awaitable[Answer]]


async def think_side_by_side(
    forks: Sequence[Context],
    think: Think,
    engine: Engine,
    policy: JoinPolicy | None = None,
) -> list[Branch]:
    """Thinks in all forks at the same time, and waits for as many as the policy asks.

    Args:
        forks: Of one context, each with a name of its own.
        think: How, such as a method's `solve`.
        engine: Thinks.
        policy: When to stop waiting; None waits for all. What it leaves behind is aborted in the engine, and what that
            had said is kept.

    Returns:
        What became of each fork, in their order.
    """
    policy = policy or All()
    keeping = not isinstance(policy, All)
    ledgers = [LedgerEngine(engine) for _ in forks]
    calls = [
        partial(think, fork, PartwiseEngine(ledger) if keeping else ledger)
        for fork, ledger in zip(forks, ledgers, strict=True)
    ]
    # Unique in a run, as the paths of forks are; a method may fork from one context more than once.
    path = forks[0].path if forks else ""
    outcomes = await join(calls, policy, engine=engine, path=path)
    lost = [i for i, outcome in enumerate(outcomes) if not outcome.usable]
    kept: Sequence[Any] = [_record(ledgers[i]) for i in lost]
    if keeping and lost:
        # How far they were depends on time, and what they had said may be read.
        async def choose() -> Sequence[Any]:
            return kept

        kept = await engine.decide(f"{path}#kept", choose)
    said = dict(zip(lost, map(_kept_answer, kept), strict=True))
    return [
        _branch(fork, outcome, said.get(i))
        for i, (fork, outcome) in enumerate(zip(forks, outcomes, strict=True))
    ]


async def think_in_order(
    forks: Sequence[Context],
    think: Think,
    engine: Engine,
    enough: Callable[[Sequence[Branch]], Awaitable[bool]],
    *,
    in_flight: int,
) -> list[Branch]:
    """Thinks in the forks in their order, so many at once, until the first of them are enough.

    Args:
        forks: Of one context, each with a name of its own.
        think: How, such as a method's `solve`.
        engine: Thinks.
        enough: Gets the branches of the first 1, 2, 3, ... forks, and says whether these will do.
        in_flight: How many think at once, at least 1.

    Returns:
        What became of each fork, in their order; `cancelled` are those that were not needed.
    """
    ledgers = [LedgerEngine(engine) for _ in forks]
    calls = [
        partial(think, fork, PartwiseEngine(ledger))
        for fork, ledger in zip(forks, ledgers, strict=True)
    ]

    def branches(outcomes: Sequence[Outcome[Answer]]) -> list[Branch]:
        return [
            _branch(fork, outcome, None if outcome.usable else _kept_answer(_record(ledger)))
            for fork, outcome, ledger in zip(forks, outcomes, ledgers, strict=False)
        ]

    async def decided(outcomes: Sequence[Outcome[Answer]]) -> bool:
        return await enough(branches(outcomes))

    return branches(await join_in_order(calls, decided, in_flight=in_flight))


def require_candidates(branches: Sequence[Branch], what: str) -> tuple[Answer, ...]:
    """The answers of the branches that came to one.

    Args:
        branches: At least one.
        what: What they are called, such as `samples`.

    Raises:
        NoCandidates: None did.
    """
    candidates = usable(branches)
    if not candidates:
        reason = next(branch.reason for branch in branches)
        raise NoCandidates(f"all {len(branches)} {what} failed, the first: {reason}", branches)
    return candidates


def remark_on_lost(branches: Sequence[Branch], what: str) -> str:
    """How many branches failed, and the first cause; empty if none did. Those not needed did not fail."""
    reasons = [branch.reason for branch in branches if branch.status == "failed"]
    if not reasons:
        return ""
    return f"{len(reasons)} of {len(branches)} {what} were lost, the first: {reasons[0]}"


def _branch(fork: Context, outcome: Outcome[Answer], kept: Answer | None) -> Branch:
    answer = outcome.value if outcome.value is not None else kept
    status = outcome.status
    if status == "ok" and answer is not None and answer.truncated:
        status = "truncated"
    return Branch(path=fork.path, status=status, answer=answer, reason=outcome.reason)


def _record(ledger: LedgerEngine) -> Any:
    """What a branch had said when it ended early, as JSON data; None if it had not begun."""
    if not ledger.entries:
        return None
    last = ledger.entries[-1]
    return {
        "text": last.text,
        "token_ids": list(last.token_ids),
        "usage": ledger.usage.model_dump(),
        # Whether its calls followed on each other is not known: that much did.
        "critical_path": max(entry.usage.generated_tokens for entry in ledger.entries),
    }


def _kept_answer(record: Any) -> Answer | None:
    if record is None:
        return None
    return Answer(
        text=record["text"],
        value=extract_answer(record["text"]),
        token_ids=tuple(record["token_ids"]),
        usage=Usage(**record["usage"]),
        critical_path=record["critical_path"],
        truncated=True,
    )
