"""Encodes conversations turn by turn with a Hugging Face tokenizer and its chat template.

What stands between two turns is cut out of a rendered conversation once for each sequence of roles; the text of a turn
is encoded with the marks before it and never again. What many threads are told alike is
kept, unless it is long.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .chat_template import (
    ends_with_mark,
    marks_before,
    may_end_with,
    plain_marks,
    roles_of,
    to_render,
)
from .context import Context, Role, Segment
from .errors import RequestRejected

# A few MB at most: what is longer is seldom said twice.
_KEPT_TURNS = 256
_MOST_CHARACTERS = 4000


class TurnEncoder:
    """What an engine in this process says to `encode` and `decode`.

    Args:
        tokenizer: A tokenizer of transformers, or what behaves like one.
        model: The model's name, for messages.
    """

    def __init__(self, tokenizer: Any, model: str) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._marks = lru_cache(maxsize=None)(self._render_marks)
        self._kept = lru_cache(maxsize=_KEPT_TURNS)(self._encoded)

    def encode(self, text: str, role: Role, after: Context | None) -> Segment:
        """The segment that says `text` as `role` after the context `after`.

        Raises:
            RequestRejected: The chat template refuses such a conversation.
        """
        roles = roles_of(after)
        marks = "" if roles and roles[-1] == role else self._marks((*roles, role))
        encoded = self._kept if len(text) <= _MOST_CHARACTERS else self._encoded
        ids = encoded(marks + text)
        if (
            marks
            and ids
            and may_end_with(after, ids[0])
            and ends_with_mark(after, ids[0], self._tokenizer.decode([ids[0]]))
        ):
            ids = ids[1:]
        return Segment(role, text, ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of these ids, special tokens included."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=False))

    def _encoded(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))

    def _render_marks(self, roles: tuple[Role, ...]) -> str:
        messages, generation = to_render(roles)
        if self._tokenizer.chat_template is None:
            return plain_marks(roles)
        try:
            rendered = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=generation
            )
        except Exception as error:  # Templates raise what they like.
            raise RequestRejected(
                f"the chat template of {self._model} refuses the turns {', '.join(roles)}: {error}"
            ) from error
        return marks_before(rendered, len(roles) - 1)
