from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from engines import embedded_model

if TYPE_CHECKING:
    from engines.hogwild.model.tokenizing import ModelTokenizer

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="no PyTorch here"),
    pytest.mark.filterwarnings("ignore"),
]
TEXT = "Grüße, 東京 😀!\n\n2 + 2 = 4;\u2028\tdone  "


@pytest.fixture(scope="module")
def tokenizer() -> ModelTokenizer:
    from engines.hogwild.model.tokenizing import ModelTokenizer

    return ModelTokenizer.load(str(anyio.run(embedded_model.prepare)))


def test_text_comes_as_its_characters_are_complete(tokenizer: ModelTokenizer) -> None:
    reader = tokenizer.reader(skip_special_tokens=True)
    pieces = [reader.read(token) for token in tokenizer.encode(TEXT)]
    assert "".join(pieces) == TEXT
    assert "" in pieces
    assert not any("\ufffd" in piece for piece in pieces)
    assert reader.rest() == ""


def test_half_a_character_at_the_end_is_told_where_it_is_asked_for(
    tokenizer: ModelTokenizer,
) -> None:
    reader = tokenizer.reader(skip_special_tokens=False)
    start, *_ = tokenizer.encode("😀")
    assert reader.read(start) == ""
    assert reader.rest() == "\ufffd"


@pytest.mark.parametrize(("skips", "text"), [(True, "Yes."), (False, "Yes.<|im_end|>")])
def test_special_tokens_are_text_only_where_they_are_wanted(
    tokenizer: ModelTokenizer, skips: bool, text: str
) -> None:
    reader = tokenizer.reader(skip_special_tokens=skips)
    ids = (*tokenizer.encode("Yes."), *tokenizer.ids_of("<|im_end|>"))
    assert "".join(map(reader.read, ids)) + reader.rest() == text


def test_bytes_that_make_no_character_end_nothing(tokenizer: ModelTokenizer) -> None:
    start, *_, end = tokenizer.encode("😀")
    (comma,) = tokenizer.encode(",")
    reader = tokenizer.reader(skip_special_tokens=True)
    read = [reader.read(token) for token in (end, start, start, comma, end, comma)]
    assert "".join(read).replace("\ufffd", "").strip() == ",,"


def test_a_text_is_banned_by_the_tokens_that_say_it_and_nothing_else(
    tokenizer: ModelTokenizer,
) -> None:
    (alone,) = tokenizer.ids_of("#")
    assert tokenizer.text_of(alone) == "#"
    assert tokenizer.ids_of("</think>") == frozenset()
    special: Any = tokenizer.whole.all_special_ids
    assert tokenizer.special_ids >= {*special, *tokenizer.ids_of("<repo_name>")}
    assert alone not in tokenizer.special_ids
