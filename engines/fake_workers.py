"""Workers that write what a script says, over the session of `engines.hogwild`: for the fake engine.

A token is a character. The session is the real one; only model and tokenizer are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .hogwild.decoder import Sampled
from .hogwild.session import Session
from .hogwild.tokenizer import Reader
from .sampling import Sampling


@dataclass(frozen=True, slots=True)
class ScriptedWorkers:
    """A reply to a call with a collaboration.

    Attributes:
        texts: What each of the workers writes, a character a round, and again from the start where it is short.
        closing: What is written after the closing, and again where it is short.
    """

    texts: tuple[str, ...]
    closing: str = "}"

    def __post_init__(self) -> None:
        if not all((*self.texts, self.closing)):
            raise ValueError(
                f"{self!r}: a worker needs something to write, and so does the closing"
            )


class ScriptedSession:
    """A session of scripted workers.

    Args:
        script: What they write; of a text, all of it each.
        prompt: The context's ids.
        sampling: With a collaboration.
        window: The longest sequence in tokens.

    Attributes:
        session: The session.
        passes: How often its model would have run so far.
    """

    def __init__(
        self, script: ScriptedWorkers | str, prompt: Sequence[int], sampling: Sampling, window: int
    ) -> None:
        workers = sampling.collaboration.workers if sampling.collaboration else ()
        if isinstance(script, str):
            script = ScriptedWorkers((script,) * len(workers))
        if len(script.texts) != len(workers):
            raise AssertionError(
                f"the script has texts of {len(script.texts)} workers, and this call has {len(workers)}"
            )
        self.passes = 0
        self._script = script
        self._closed = 0
        self.session = Session(prompt, sampling, self, _Characters(), window=window)

    def read(self, token_ids: Sequence[int], block: int | None = None) -> None:
        """Forgets them: what is written does not depend on them."""

    def write(
        self, feeds: Mapping[int, Sequence[int]], *, greedy: bool = False
    ) -> Mapping[int, Sampled]:
        """The next character of each worker, and of the closing where it is greedy."""
        self.passes += 1
        if greedy:
            self._closed += 1
            return {block: _at(self._script.closing, self._closed - 1) for block in feeds}
        # A character that the session does not keep comes again.
        wrote = self.session.wrote
        return {block: _at(self._script.texts[block], wrote[block]) for block in feeds}

    def commit(self, block: int) -> None:
        """Does nothing."""


def _at(text: str, place: int) -> Sampled:
    return Sampled(ord(text[place % len(text)]))


class _Characters:
    """A tokenizer, and the reader of one: an id is a character."""

    def encode(self, text: str) -> Sequence[int]:
        return tuple(map(ord, text))

    def reader(self, *, skip_special_tokens: bool) -> Reader:
        return self

    def read(self, token_id: int) -> str:
        return chr(token_id)

    def rest(self) -> str:
        return ""
