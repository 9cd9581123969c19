"""How many tokens a sequence may still generate, in all and one after another. Pure.

    allowance ── opening ──┬─ thread: its share ─┐
                           ├─ thread: its share ─┼── what is left
                           └─ thread: its share ─┘

Shares depend on the number of threads only, never on how fast they are, so that a run repeats itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import UsageError

from ..answer import Answer

_KEPT_FOR_AFTERWARDS = 4


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many tokens.

    Attributes:
        total: In all threads together.
        path: Along the longest chain of calls.
    """

    total: int
    path: int

    @property
    def most(self) -> int:
        """The most that one call may generate."""
        return max(0, min(self.total, self.path))

    def after(self, spent: Answer) -> Allowance:
        """What is left after what an answer took."""
        return Allowance(self.total - spent.usage.generated_tokens, self.path - spent.critical_path)

    def share(self, threads: int) -> Allowance:
        """What each of so many threads may take, with a quarter kept for what comes after them.

        >>> Allowance(total=800, path=100).share(3)
        Allowance(total=200, path=75)
        """
        if threads < 1:
            raise UsageError(f"{threads} threads share nothing: at least 1 is needed")
        return Allowance(_threads_part(self.total) // threads, _threads_part(self.path))


def _threads_part(tokens: int) -> int:
    return tokens - -(-tokens // _KEPT_FOR_AFTERWARDS)
