"""A vote in place of a reducer that could not do its work, so that finished threads are never thrown away.

    candidates ─> reducer ─┬─ an answer ───────────────> it
                           └─ no window, budget, server ─> majority of those with a vote, and a remark

What the reducer had taken by then stays counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines import BudgetExhausted, Context, Engine, EngineError, LedgerEngine

from ..answer import Answer
from .reducer import Reducer


async def reduce_or_vote(
    reducer: Reducer,
    candidates: Sequence[Answer],
    context: Context,
    engine: Engine,
    *,
    voters: Sequence[Answer],
    vote: Reducer,
) -> Answer:
    """What the reducer makes of the candidates, or else the vote of those that came to an end.

    Args:
        reducer: Reduces.
        candidates: What it reads.
        context: The question that they answer.
        engine: For reducers that ask the model.
        voters: The candidates that may vote; with none of them the reducer's error is raised.
        vote: How they do.
    """
    ledger = LedgerEngine(engine)
    try:
        return await reducer.reduce(candidates, context, ledger)
    except (EngineError, BudgetExhausted) as error:
        if not voters:
            raise
        reason = str(error)
    won = await vote.reduce(voters, context, engine)
    number = f"{len(voters)} thread{'s' if len(voters) > 1 else ''}"
    remark = f"no summary, since {reason}: the majority of {number}"
    return replace(
        won,
        usage=won.usage + ledger.usage,
        # Calls side by side count as one: which of them waited for others is not known.
        critical_path=max((entry.usage.generated_tokens for entry in ledger.entries), default=0),
        remark="; ".join(filter(None, (won.remark, remark))),
    )
