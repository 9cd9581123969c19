"""Where the tokens of a text end, found out where it is asked for: a tokenizer tells texts of ids, no places in them.

ids      | "so" | " </" | "Pa" | "th" | "><" |       looked for: the ends around place 9
ends     0      2       5      7      9      11      found by few decodes of few ids

What is looked for in the order of the text takes a time that grows with the text, not with its square.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from engines import Engine

# Some tokenizers write the first token of a text without the space before it.
_CONTEXT = 5
# A character is so many bytes at most, each of which may be a token.
_LONGEST_CHARACTER = 4


class TokenEnds:
    """The ends of tokens that are ends of characters too.

    Args:
        engine: Decodes.
        ids: The tokens.
        text: What they say, all together.
    """

    def __init__(self, engine: Engine, ids: Sequence[int], text: str) -> None:
        self._engine = engine
        self._ids = ids
        self._text = text
        # The known ends: how many ids there are until there, and how many characters.
        self._counts = [0, len(ids)] if ids else [0]
        self._places = [0, len(text)] if ids else [0]
        self._context = (0, "")

    async def at_or_before(self, place: int) -> tuple[int, int]:
        """The last end until `place`: how many ids there are until there, and how many characters."""
        known = await self._last_until(place)
        return self._counts[known], self._places[known]

    async def at_or_after(self, place: int) -> tuple[int, int]:
        """The first end from `place` on, or the end of all; as `at_or_before`."""
        known = await self._last_until(place)
        if self._places[known] < place and known + 1 < len(self._counts):
            known += 1
        return self._counts[known], self._places[known]

    async def _last_until(self, place: int) -> int:
        """Which of the known ends is the last until `place`, once those around it are known."""
        known = bisect_right(self._places, place) - 1
        if known + 1 == len(self._counts):
            return known
        guess, step = self._guess(known, place), 1
        while (found := await self._near(known, guess)) is not None:
            count, end = found
            self._counts.insert(known + 1, count)
            self._places.insert(known + 1, end)
            known += end <= place
            # The guess was close: away from it in steps that double, until the middle is closer.
            low, high = self._counts[known : known + 2]
            away = min(step, (high - low) // 2)
            guess = low + away if end <= place else high - away
            step *= 2
        return known

    def _guess(self, known: int, place: int) -> int:
        """How many ids there are until `place`, if all tokens after this end are of one length."""
        low, high = self._counts[known : known + 2]
        start, end = self._places[known : known + 2]
        return low + (high - low) * (place - start) // max(end - start, 1)

    async def _near(self, known: int, guess: int) -> tuple[int, int] | None:
        """An end close to the guess, between a known one and the next; None where there is none."""
        low, high = self._counts[known : known + 2]
        guess = min(max(guess, low + 1), high - 1)
        below = range(guess, max(low, guess - _LONGEST_CHARACTER), -1)
        above = range(guess + 1, min(high, guess + _LONGEST_CHARACTER))
        for count in (*below, *above):
            end = await self._end(known, count)
            if end is not None:
                return count, end
        return None

    async def _end(self, known: int, count: int) -> int | None:
        """How many characters the first `count` ids say; None where they end within one."""
        low, start = self._counts[known], self._places[known]
        anchor = max(low - _CONTEXT, 0)
        if self._context[0] != low:
            self._context = (low, await self._engine.decode(self._ids[anchor:low]))
        before = self._context[1]
        text = await self._engine.decode(self._ids[anchor:count])
        said = text[len(before) :]
        # What ends within a character reads differently.
        fits = text.startswith(before) and self._text.startswith(said, start)
        return start + len(said) if fits else None
