"""A decoder that writes what it is told and keeps what it was fed; every token that it samples is an id of its own."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

from engines import Collaboration
from engines.hogwild.decoder import Sampled
from engines.hogwild.layout import views

# What is sampled has ids from here on; below, an id is a character.
SAMPLED = 0x110000


class Vocabulary:
    """Characters, and whatever is sampled, which may be half of one."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def add(self, piece: bytes) -> int:
        self.pieces.append(piece)
        return SAMPLED + len(self.pieces) - 1

    def bytes_of(self, token_id: int) -> bytes:
        return chr(token_id).encode() if token_id < SAMPLED else self.pieces[token_id - SAMPLED]

    def encode(self, text: str) -> Sequence[int]:
        return tuple(map(ord, text))

    def decode(self, token_ids: Sequence[int]) -> str:
        return b"".join(map(self.bytes_of, token_ids)).decode(errors="replace")

    def reader(self, *, skip_special_tokens: bool) -> Reader:
        return Reader(self)


class Reader:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def read(self, token_id: int) -> str:
        return self._decoder.decode(self._vocabulary.bytes_of(token_id))

    def rest(self) -> str:
        return self._decoder.decode(b"", final=True)


class RecordingDecoder:
    """Checks what any session has to keep to.

    Attributes:
        history: The ids in the history.
        blocks: The ids in each block.
        passes: The blocks that were fed in each pass.
        sampled_in: For each id that was sampled, the number of its pass.
        longest: The longest view that there was.
    """

    def __init__(
        self,
        collaboration: Collaboration,
        scripts: Sequence[Sequence[bytes]],
        closing: Sequence[bytes],
    ) -> None:
        seen = views(collaboration.layout, len(collaboration.workers))
        self.vocabulary = Vocabulary()
        self.history: list[int] = []
        self.blocks: list[list[int]] = [[] for _ in seen.of]
        self.passes: list[tuple[int, ...]] = []
        self.sampled_in: dict[int, int] = {}
        self.longest = 0
        self._views = seen.of
        self._scripts: list[Iterator[bytes]] = [cycle(script) for script in scripts]
        self._closing = cycle(closing)

    def read(self, token_ids: Sequence[int], block: int | None = None) -> None:
        assert not self.passes
        (self.history if block is None else self.blocks[block]).extend(token_ids)

    def write(
        self, feeds: Mapping[int, Sequence[int]], *, greedy: bool = False
    ) -> Mapping[int, Sampled]:
        assert feeds
        assert all(feeds.values())
        assert not greedy or set(feeds) == {0}
        self.passes.append(tuple(feeds))
        for block, token_ids in feeds.items():
            self.blocks[block].extend(token_ids)
        for view in self._views:
            length = len(self.history) + sum(len(self.blocks[block]) for block in view)
            self.longest = max(self.longest, length)
        return {block: self._sample(block, greedy) for block in feeds}

    def commit(self, block: int) -> None:
        self.history += self.blocks[block]
        self.blocks[block] = []

    @property
    def fed(self) -> list[int]:
        """All ids that it was fed."""
        return self.history + [id for block in self.blocks for id in block]

    def _sample(self, block: int, greedy: bool) -> Sampled:
        token = self.vocabulary.add(next(self._closing if greedy else self._scripts[block]))
        self.sampled_in[token] = len(self.passes) - 1
        return Sampled(token)
