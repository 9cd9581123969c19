"""Cuts a text that comes piece by piece at the first stop text. Pure."""

from __future__ import annotations

from collections.abc import Sequence


class StopTexts:
    r"""Passes text on, but for an end that may yet become a stop text.

    >>> stops = StopTexts(["\n\n", "END"])
    >>> stops.pass_on("One.\n"), stops.pass_on("Two. E"), stops.pass_on("ND, and more")
    (('One.', None), ('\nTwo. ', None), ('', 'END'))
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""

    def pass_on(self, text: str) -> tuple[str, str | None]:
        """What can be passed on now that `text` has come, and the stop text that ends it, if one does."""
        text = self._held + text
        found = [(text.find(stop), stop) for stop in self._stops if stop in text]
        if found:
            end, stop = min(found)
            self._held = ""
            return text[:end], stop
        end = len(text) - max((_begun(stop, text) for stop in self._stops), default=0)
        self._held = text[end:]
        return text[:end], None

    def rest(self) -> str:
        """What was held back, where nothing more comes."""
        held, self._held = self._held, ""
        return held


def _begun(stop: str, text: str) -> int:
    """How many characters at the end of a text are the beginning of a stop text."""
    longest = min(len(stop) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
