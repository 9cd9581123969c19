"""For how many tokens a store of keys and values has room, and what it takes to get there. Pure.

least ─ full ─> twice as much ─ full ─> ... ─> the window
"""

from __future__ import annotations

# Of the history and of a block. On a GPU every growth makes CUDA graphs worthless, so that there is more room at once.
LEAST_ROOM = {"cpu": (64, 64), "cuda": (1024, 256)}


def room_for(tokens: int, least: int, window: int) -> int:
    """The room that a store has once it holds so many tokens.

    >>> [room_for(tokens, 64, 1000) for tokens in (1, 65, 513)]
    [64, 128, 1000]
    """
    doubled = max(least, 1 << (tokens - 1).bit_length())
    return max(tokens, min(doubled, window))


def most_room_for(tokens: int, least: int, window: int) -> int:
    """The same with what it is copied from, as both are held when it grows for the last time.

    >>> [most_room_for(tokens, 64, 1000) for tokens in (1, 65, 513)]
    [64, 192, 1512]
    """
    room = room_for(tokens, least, window)
    return room if room <= least else room + (1 << (room - 1).bit_length() - 1)
