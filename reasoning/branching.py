"""Threads side by side: the one place where methods fork, wait, cut and count.

context ──┬─> fork ─> method ─┐
          ├─> fork ─> method ─┼─ wait policy ─> branches, in the order of the forks, none of them lost
          └─> fork ─> method ─┘

What a branch costs is counted at the engine, so that what failed or was cut counts too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from numbers import Integral
from typing import Any

from engines import (
    All,
    Context,
    Engine,
    JoinPolicy,
    LedgerEngine,
    LedgerEntry,
    Outcome,
    PartwiseEngine,
    Usage,
    UsageError,
    join,
    join_in_order,
)

from .answer import Answer, Branch, usable
from .cut_thread import cut_answer, cut_data
from .errors import NoCandidates

Think = Callable[[Context, Engine], Awaitable[Answer]]

# All forks are made before the first thinks, and all branches are in the answer: more would take all memory.
MOST_BRANCHES = 10_000


def require_width(width: int, what: str) -> None:
    """Refuses to fork into nothing, and into more than fit into one answer.

    Args:
        width: The number of forks.
        what: What has so many, with `{}` in the place of the number.

    Raises:
        UsageError: It is no whole number, below 1 or above `MOST_BRANCHES`.
    """
    if isinstance(width, bool) or not isinstance(width, Integral):
        raise UsageError(f"{what.format(repr(width))}: a whole number is needed")
    if width < 1:
        raise UsageError(f"{what.format(width)}: at least 1 is needed")
    if width > MOST_BRANCHES:
        told = what.format(f"{width:,}")
        raise UsageError(f"{told}: at most {MOST_BRANCHES:,} fit into one answer")


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
    ledgers = [LedgerEngine(engine) for _ in forks]
    # Of a call that is read whole and cut, nothing would be left.
    whole = isinstance(policy, All)
    calls = [
        partial(think, fork, ledger if whole else PartwiseEngine(ledger))
        for fork, ledger in zip(forks, ledgers, strict=True)
    ]
    # Unique in a run, as the paths of forks are; a method may fork from one context more than once.
    path = forks[0].path if forks else ""
    outcomes = await join(
        calls, policy, engine=engine, path=path, keep=lambda i: _record(ledgers[i].entries)
    )
    usable_ones = sum(outcome.usable for outcome in outcomes)
    late = not policy.enough(usable_ones, len(forks))
    return [
        _branch(fork, outcome, ledger, late=late)
        for fork, outcome, ledger in zip(forks, outcomes, ledgers, strict=True)
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
        What became of each fork, in their order; `cancelled` are those that were not needed. What these had said by
        then depends on time and differs in a run that is resumed: it is there to be looked at.
    """
    ledgers = [LedgerEngine(engine) for _ in forks]
    calls = [
        partial(think, fork, PartwiseEngine(ledger))
        for fork, ledger in zip(forks, ledgers, strict=True)
    ]
    first: list[Branch] = []

    def branch(index: int, outcome: Outcome[Any]) -> Branch:
        return _branch(forks[index], outcome, ledgers[index])

    async def decided(outcomes: Sequence[Outcome[Answer]]) -> bool:
        first.append(branch(len(first), outcomes[-1]))
        return await enough(first)

    outcomes = await join_in_order(calls, decided, in_flight=in_flight)
    rest = range(len(first), len(forks))
    return first + [branch(i, outcomes[i]) for i in rest]


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
        if len(branches) == 1:
            raise NoCandidates(f"{counted(1, what)} failed: {reason}", branches)
        raise NoCandidates(f"all {len(branches)} {what} failed, the first: {reason}", branches)
    return candidates


def counted(number: int, what: str) -> str:
    """So many of what is called so in the plural.

    >>> counted(1, "steps"), counted(2, "steps")
    ('1 step', '2 steps')
    """
    return f"{number} {what.removesuffix('s') if number == 1 else what}"


def remark_on_lost(branches: Sequence[Branch], what: str) -> str:
    """How many branches failed, and the first cause; empty if none did. Those not needed did not fail."""
    reasons = [branch.reason for branch in branches if branch.status == "failed"]
    if not reasons:
        return ""
    return f"{len(reasons)} of {len(branches)} {what} were lost, the first: {reasons[0]}"


def remark_on_unanswered(candidates: Sequence[Answer], what: str) -> str:
    """That none of the candidates has a final answer, so that whole texts were compared; empty if one has."""
    if any(candidate.value is not None for candidate in candidates):
        return ""
    return f"none of {len(candidates)} {what} had a final answer"


def _branch(
    fork: Context, outcome: Outcome[Any], ledger: LedgerEngine, *, late: bool = False
) -> Branch:
    status, answer = outcome.status, outcome.value
    if not outcome.usable:
        # What was kept of one that was left behind; one that failed may be tried again in a run that is resumed.
        kept = outcome.value or _record(ledger.entries)
        answer = None if kept is None else cut_answer(kept)
    elif answer is not None and answer.truncated:
        status = "truncated"
    timed_out = late and status == "cancelled"
    return Branch(
        path=fork.path, status=status, answer=answer, reason=outcome.reason, timed_out=timed_out
    )


def _record(entries: Sequence[LedgerEntry]) -> Any:
    """What a thread had said when it ended early, as JSON data; None if it had not begun.

    That is the call that began last with those that it goes on from; of calls side by side the others are not told.
    """
    if not entries:
        return None
    last = entries[-1]
    lineage = last.context.lineage
    known = set(map(id, lineage))
    thread = [entry for entry in entries if id(entry.context) in known]
    said = [
        node.segment
        for node in lineage[len(thread[0].context.lineage) :]
        if node.segment.role == "assistant" and node.segment.text
    ]
    ids = [token for segment in said for token in segment.token_ids or ()]
    costs = [entry.usage.generated_tokens for entry in entries]
    return cut_data(
        Answer(
            text="".join(segment.text for segment in said) + last.text,
            token_ids=(*ids, *last.token_ids),
            usage=sum((entry.usage for entry in entries), Usage()),
            critical_path=max(*costs, sum(entry.usage.generated_tokens for entry in thread)),
        )
    )
