"""Tokens of texts without a tokenizer."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from engines.context import Role
from engines.replay.byte_tokens import last_turn, mark_of, text_of, tokens_of

# Halves of surrogate pairs and zero characters among them.
TEXTS = st.text(st.characters() | st.characters(categories=["Cs"]) | st.just("\0"))


@given(TEXTS)
def test_a_text_survives_its_tokens(text: str) -> None:
    assert text_of(tokens_of(text)) == text


@given(TEXTS)
def test_every_token_is_whole_characters_of_at_most_four_bytes(text: str) -> None:
    for token in tokens_of(text):
        piece = text_of([token])
        assert 1 <= len(piece.encode("utf-8", "surrogatepass")) <= 4
        assert tokens_of(piece) == (token,)
        # The journal packs ids into four bytes.
        assert 0 <= token < mark_of("system")


@given(st.lists(TEXTS))
def test_texts_one_after_the_other_are_their_tokens_one_after_the_other(texts: list[str]) -> None:
    assert text_of([token for text in texts for token in tokens_of(text)]) == "".join(texts)


def test_four_characters_of_english_are_a_token() -> None:
    text = "The sea is large, deep and full of salt."
    assert len(tokens_of(text)) == len(text) / 4


@given(st.sampled_from(get_args(Role)), TEXTS, TEXTS)
def test_a_mark_begins_a_turn(role: Role, before: str, text: str) -> None:
    ids = (*tokens_of(before), mark_of(role), *tokens_of(text))
    assert mark_of(role) < 2**32
    assert text_of(last_turn(ids)) == text
    assert text_of(ids) == f"{before}<|{role}|>{text}"


def test_what_is_no_token_reads_as_broken() -> None:
    assert text_of([0xC328, *tokens_of("ok"), mark_of("assistant") + 1]).endswith(
        "(ok\ufffd\0\0\x03"
    )
