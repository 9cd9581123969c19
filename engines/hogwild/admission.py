"""What a collaboration is refused for before it begins. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from ..collaboration import Collaboration
from ..errors import RequestRejected
from ..sampling import Sampling
from .layout import views


def check_ends(sampling: Sampling) -> None:
    """A collaboration ends by an answer or a limit, and by nothing that is met in the text of one of several workers.

    Raises:
        RequestRejected: There are stop texts or stop ids.
    """
    if sampling.stop or sampling.stop_token_ids:
        stops = ", ".join(map(repr, (*sampling.stop, *sampling.stop_token_ids)))
        raise RequestRejected(
            f"workers that write side by side have no stop texts or ids ({stops}): leave them out; "
            f"Collaboration.answer ends their work"
        )


def check_memory(
    collaboration: Collaboration, *, prompt: int, max_tokens: int, token_bytes: int, free_bytes: int
) -> None:
    """The common history and the workers' own blocks have to fit into memory.

    Args:
        collaboration: Who writes.
        prompt: Its tokens.
        max_tokens: The most that all workers together generate.
        token_bytes: What one token takes in the cache.
        free_bytes: What there is.

    Raises:
        RequestRejected: They do not fit; it says how many workers or tokens would.
    """
    room = free_bytes // token_bytes

    def takes(workers: int, tokens: int) -> int:
        return prompt + tokens + _own_blocks(collaboration, workers, tokens)

    workers = len(collaboration.workers)
    needed = takes(workers, max_tokens)
    if needed <= room:
        return
    fewer = _most(workers, lambda n: takes(n, max_tokens) <= room)
    shorter = _most(max_tokens, lambda n: takes(workers, n) <= room)
    raise RequestRejected(
        f"the attention cache of {workers} workers that write {max_tokens} tokens takes up to "
        f"{needed * token_bytes / 1e6:,.0f} MB and {free_bytes / 1e6:,.0f} MB are free: {_advice(fewer, shorter)}"
    )


def _own_blocks(collaboration: Collaboration, workers: int, tokens: int) -> int:
    """The tokens for which numbered blocks have room: all have as much as the longest."""
    seen = views(collaboration.layout, workers)
    longest = min(collaboration.step_tokens, tokens) if seen.moves_steps else -(-tokens // workers)
    return len(seen.of) * longest


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to a limit that fits, where those below one that fits do too; 0 if none does."""
    return bisect_left(range(1, limit + 1), True, key=lambda number: not fits(number))


def _advice(workers: int, tokens: int) -> str:
    fitting = [f"at most {workers} workers"] * bool(workers)
    fitting += [f"max_tokens of at most {tokens}"] * bool(tokens)
    return f"use {' or '.join(fitting)}" if fitting else "use a shorter prompt or a smaller model"
