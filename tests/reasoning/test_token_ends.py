from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import FakeEngine
from reasoning.token_ids.token_ends import TokenEnds
from tests.backends import run_virtually


class PieceEngine(FakeEngine):
    """Each id says a piece of bytes; the first token of a text loses the space before it, as with some tokenizers."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self.decoded = 0

    async def decode(self, token_ids: Sequence[int]) -> str:
        self.decoded += len(token_ids)
        said = b"".join(self._pieces[token] for token in token_ids)
        return said.removeprefix(b" ").decode(errors="replace")


def ends_of(pieces: Sequence[bytes]) -> list[tuple[int, int]]:
    """The ends that there are, found one by one."""
    found = []
    for count in range(len(pieces) + 1):
        try:
            text = b"".join(pieces[:count]).removeprefix(b" ").decode()
        except UnicodeDecodeError:
            continue
        found.append((count, len(text)))
    return found


async def found_in(pieces: Sequence[bytes], places: Sequence[int]) -> None:
    engine = PieceEngine(pieces)
    ids = range(len(pieces))
    text = await engine.decode(ids)
    ends = TokenEnds(engine, ids, text)
    there = ends_of(pieces)
    for place in places:
        before = [end for end in there if end[1] <= place][-1]
        assert await ends.at_or_before(place) == before
        after = next((end for end in there if end[1] >= place), there[-1])
        assert (await ends.at_or_after(place))[1] == after[1]


@given(
    st.lists(st.sampled_from(["a", "bcd", " so", "</Path>", "é", "😀"]), max_size=40),
    st.data(),
)
def test_the_ends_around_a_place_are_found_also_where_characters_are_several_tokens(
    words: list[str], data: st.DataObject
) -> None:
    pieces: list[bytes] = []
    for word in words:
        said = word.encode()
        pieces += [said] if said.isascii() else [bytes([byte]) for byte in said]
    length = len("".join(words))
    places = data.draw(st.lists(st.integers(0, length), max_size=8))
    run_virtually(lambda: found_in(pieces, places))


def test_an_end_is_the_last_one_there_is() -> None:
    run_virtually(lambda: found_in([], [0, 5]))
    run_virtually(lambda: found_in([b"a", b"bc"], [3, 9]))


@pytest.mark.parametrize("pieces", [[b"a"] * 50_000, [b"a", b"word"] * 25_000])
def test_what_is_decoded_grows_with_the_text_not_with_its_square(pieces: list[bytes]) -> None:
    async def main() -> int:
        engine = PieceEngine(pieces)
        ids = range(len(pieces))
        text = await engine.decode(ids)
        ends = TokenEnds(engine, ids, text)
        for place in range(0, len(text), 25):
            await ends.at_or_before(place)
        return engine.decoded

    assert run_virtually(main) < 60 * len(pieces)
