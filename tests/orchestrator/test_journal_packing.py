"""What goes into a journal's columns comes out again."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from engines import Logprob, Passage, TokenLogprobs
from orchestrator.journal.packing import (
    pack_logprobs,
    pack_passages,
    unpack_logprobs,
    unpack_passages,
)

TEXTS = st.text(st.characters(exclude_categories=()), max_size=3)
TOKENS = st.builds(Logprob, TEXTS, st.floats(), st.none() | st.integers(0, 2**32 - 1))
COUNTS = st.integers(0, 2**32 - 1)
PASSAGES = st.builds(Passage, st.none() | st.integers(0, 2**32 - 2), COUNTS, COUNTS)
PLACES = st.builds(TokenLogprobs, TOKENS, st.lists(TOKENS, max_size=4).map(tuple))


def single(value: float) -> float:
    """The nearest number of single precision, as engines compute."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


@given(st.lists(PLACES, max_size=5).map(tuple))
def test_logprobs_come_back_exactly(places: tuple[TokenLogprobs, ...]) -> None:
    """Minus zero, infinities and what is no number too, which are only equal as text."""
    packed = pack_logprobs(places)
    found = unpack_logprobs(packed if isinstance(packed, int) else bytes(packed))
    assert repr(found) == repr(places)


@given(st.lists(PASSAGES, max_size=5).map(tuple))
def test_passages_come_back(passages: tuple[Passage, ...]) -> None:
    packed = pack_passages(passages)
    found = unpack_passages(packed if isinstance(packed, int) else bytes(packed))
    assert found == passages


def test_none_cost_nothing() -> None:
    assert pack_logprobs(()) == pack_passages(()) == 0


def test_twenty_for_each_token_take_eight_bytes_each() -> None:
    tokens = [Logprob(f" {number}", single(-number / 7), number) for number in range(20)]
    packed = pack_logprobs([TokenLogprobs(tokens[0], tuple(tokens))] * 1000)
    assert isinstance(packed, bytearray)
    assert len(packed) < 21_000 * 8 + 5_000
