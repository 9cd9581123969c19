"""What a call is refused for before it begins. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from ..collaboration import Collaboration
from ..errors import RequestRejected
from ..sampling import Sampling
from .layout import MARKS, moves_steps
from .room import LEAST_ROOM, most_room_for


def check_ids(token_ids: Sequence[int], vocabulary: int) -> None:
    """A model has no row for any other id, and on a GPU asking for it ends the process's use of that GPU.

    Raises:
        RequestRejected: There is an id that the model does not know.
    """
    unknown = next((id for id in token_ids if not 0 <= id < vocabulary), None)
    if unknown is not None:
        raise RequestRejected(
            f"the model knows the token ids 0 to {vocabulary - 1}, and the context has {unknown}: encode it with the "
            f"model's own tokenizer"
        )


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
    collaboration: Collaboration,
    *,
    prompt: int,
    max_tokens: int,
    window: int,
    device: str,
    token_bytes: int,
    free_bytes: int,
) -> None:
    """The common history and the workers' own blocks have to fit into memory, also while they grow.

    Args:
        collaboration: Who writes.
        prompt: Its tokens.
        max_tokens: The most that all workers together generate.
        window: The longest sequence.
        device: The kind of it, `cpu` or `cuda`.
        token_bytes: What one token takes in the cache.
        free_bytes: What there is.

    Raises:
        RequestRejected: They do not fit; it says how many workers or tokens would.
    """
    room = free_bytes // token_bytes
    history, block = LEAST_ROOM[device]

    def takes(workers: int, tokens: int) -> int:
        blocks, longest = _own_blocks(collaboration, workers, tokens)
        own = blocks * most_room_for(longest, block, window)
        return most_room_for(prompt + tokens, history, window) + own

    workers = len(collaboration.workers)
    needed = takes(workers, max_tokens)
    if needed <= room:
        return
    fewer = _most(workers, lambda n: takes(n, max_tokens) <= room)
    together = _most(max_tokens, lambda n: takes(workers, n) <= room)
    each = (together - collaboration.answer_tokens) // workers
    raise RequestRejected(
        f"the attention cache of {workers} workers that write {max_tokens} tokens together takes up to "
        f"{needed * token_bytes / 1e6:,.0f} MB and {free_bytes / 1e6:,.0f} MB are free: "
        f"{_advice(fewer, together, each)}"
    )


def _own_blocks(collaboration: Collaboration, workers: int, tokens: int) -> tuple[int, int]:
    """How many numbered blocks there are, and how long the longest gets, for which all have room."""
    steps_end = moves_steps(collaboration.layout)
    longest = min(collaboration.step_tokens, tokens) if steps_end else -(-tokens // workers)
    return workers + MARKS, longest


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to a limit that fits, where those below one that fits do too; 0 if none does."""
    return bisect_left(range(1, limit + 1), True, key=lambda number: not fits(number))


def _advice(workers: int, together: int, each: int) -> str:
    """What would fit; a method is told the tokens of each worker, and adds those of the answer to them."""
    fitting = [f"at most {workers} workers"] * bool(workers)
    fitting += [f"at most {each} tokens each ({together} together)"] * (each > 0)
    return f"use {' or '.join(fitting)}" if fitting else "use a shorter prompt or a smaller model"
