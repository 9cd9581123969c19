"""When to give up on an engine that has gone away, instead of asking it for each of a hundred thousand rows. Pure."""

from __future__ import annotations

from engines import EngineUnavailable

_ROWS = 20


class Silence:
    """Rows in a row that nobody answered. After so many, the rest would only take longer to fare no better.

    Rows that run at once fail together while a server starts anew, which is no reason to give up: only those count that
    were begun in the silence.

    Attributes:
        lasts: Whether the last row that asked anybody got no answer.
    """

    def __init__(self) -> None:
        self.lasts = False
        self._rows = 0

    def lengthen(self, begun_in_silence: bool, error: EngineUnavailable) -> None:
        """Another row got no answer.

        Raises:
            EngineUnavailable: It was one of too many.
        """
        self.lasts = True
        self._rows += begun_in_silence
        if self._rows == _ROWS:
            raise EngineUnavailable(
                f"{self._rows} rows in a row got no answer, so the batch stops: {error}"
            ) from error
