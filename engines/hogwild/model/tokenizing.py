"""A model's tokenizer: ids of texts and texts of ids, with transformers and tokenizers.

Importing this module imports transformers, which takes some seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from ...errors import UsageError


class ModelTokenizer:
    """What a tokenizer is asked while tokens are generated, also from a thread.

    Attributes:
        whole: The tokenizer of transformers, with its chat template.
        special_ids: The ids that stand for no text.
        vocabulary: How many ids a model needs to know for any text; tokens that were added may have larger ones.

    Args:
        whole: A fast one.
    """

    def __init__(self, whole: PreTrainedTokenizerFast) -> None:
        self.whole = whole
        self._raw: Tokenizer = whole.backend_tokenizer
        # Whoever encodes would take them off, which fails while another thread encodes.
        self._raw.no_truncation()
        self._raw.no_padding()
        self.vocabulary = max(self._raw.get_vocab(with_added_tokens=False).values(), default=-1) + 1
        added = whole.added_tokens_decoder.items()
        self.special_ids = frozenset(whole.all_special_ids) | {id for id, t in added if t.special}

    @classmethod
    def load(cls, path: str) -> ModelTokenizer:
        """Loads the tokenizer of a model, from its folder or the hub.

        Raises:
            UsageError: The model has none, or a slow one only.
        """
        try:
            whole: Any = AutoTokenizer.from_pretrained(path)
        except Exception as error:  # transformers raises what it likes.
            if Path(path).is_dir() and not (Path(path) / "tokenizer.json").is_file():
                raise UsageError(f"{path} has no tokenizer.json: add the model's own") from error
            reason = str(error).partition("\n")[0]
            raise UsageError(f"the tokenizer of {path} cannot be loaded: {reason}") from error
        if not whole.is_fast:
            raise UsageError(
                f"the tokenizer of {path} is no fast one: the folder needs a tokenizer.json"
            )
        return cls(whole)

    def encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text, with nothing around them."""
        return tuple(self._raw.encode(text, add_special_tokens=False).ids)

    def text_of(self, token_id: int) -> str:
        """What one id says by itself."""
        return self._texts.get(token_id, "")

    def ids_of(self, text: str) -> frozenset[int]:
        """The ids each of which says exactly this text; none where it takes several."""
        alone = self.encode(text)
        return self._ids.get(text, frozenset()) | (set(alone) if len(alone) == 1 else set())

    def reader(self, *, skip_special_tokens: bool) -> TextReader:
        """Reads ids one after another."""
        return TextReader(self._raw, skip_special_tokens)

    @cached_property
    def _texts(self) -> Mapping[int, str]:
        ids = sorted(self._raw.get_vocab(with_added_tokens=True).values())
        texts = self._raw.decode_batch([[id] for id in ids], skip_special_tokens=False)
        return dict(zip(ids, texts, strict=True))

    @cached_property
    def _ids(self) -> Mapping[str, frozenset[int]]:
        found: dict[str, set[int]] = {}
        for id, text in self._texts.items():
            found.setdefault(text, set()).add(id)
        return {text: frozenset(ids) for text, ids in found.items()}


class TextReader:
    """The text of ids that come one after another."""

    def __init__(self, tokenizer: Tokenizer, skip_special_tokens: bool) -> None:
        self._tokenizer = tokenizer
        self._skips = skip_special_tokens
        self._stream = DecodeStream(skip_special_tokens=skip_special_tokens)
        self._held: list[int] = []

    def read(self, token_id: int) -> str:
        """The text that one more id completes."""
        try:
            text = self._stream.step(self._tokenizer, token_id)
        except (
            Exception
        ):  # It cannot go on after bytes that are no character; what it held of them is lost.
            self._stream = DecodeStream(skip_special_tokens=self._skips)
            text = self._stream.step(self._tokenizer, token_id)
        if text is None:
            self._held.append(token_id)
            return ""
        self._held.clear()
        return text

    def rest(self) -> str:
        """What an unfinished character at the end decodes to."""
        held = self._tokenizer.decode(self._held, skip_special_tokens=self._skips)
        self._held.clear()
        return held
