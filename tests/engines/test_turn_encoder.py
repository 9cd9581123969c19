"""What is encoded, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engines import Context
from engines.turn_encoder import TurnEncoder


class Tokenizer:
    """A token for each character, and notes of what it was asked to encode."""

    chat_template = None

    def __init__(self) -> None:
        self.encoded: Counter[str] = Counter()

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        self.encoded[text] += 1
        return [ord(letter) for letter in text]

    def decode(self, token_ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        return "".join(map(chr, token_ids))


def test_what_many_threads_are_told_alike_is_encoded_once() -> None:
    tokenizer = Tokenizer()
    encoder = TurnEncoder(tokenizer, "model")
    question = Context(encoder.encode("How many?", "user", None))
    turns = [encoder.encode("Think.", "user", question.fork(f"{i}")) for i in range(5)]
    assert {turn.token_ids for turn in turns} == {tuple(map(ord, "Think."))}
    assert tokenizer.encoded["Think."] == 1


def test_the_same_words_of_another_role_are_encoded_with_its_marks() -> None:
    encoder = TurnEncoder(Tokenizer(), "model")
    question = Context(encoder.encode("Yes", "user", None))
    same = encoder.encode("Yes", "user", question)
    other = encoder.encode("Yes", "assistant", question)
    assert same.token_ids != other.token_ids
    assert encoder.decode(other.token_ids or ()).endswith("Yes")


def test_what_is_long_is_not_kept() -> None:
    tokenizer = Tokenizer()
    encoder = TurnEncoder(tokenizer, "model")
    long = "x" * 5000
    for _ in range(2):
        assert len(encoder.encode(long, "user", None).token_ids or ()) >= 5000
    assert [count for text, count in tokenizer.encoded.items() if long in text] == [2]
