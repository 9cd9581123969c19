"""The tokenizer and chat template of a vLLM server, asked through its own routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..chat_template import (
    NO_TEMPLATE,
    ends_with_mark,
    marks_before,
    may_end_with,
    plain_marks,
    roles_of,
    to_render,
)
from ..context import Context, Role, Segment
from ..errors import RequestRejected
from .answer_shape import expected_shape, ids_in, text_in
from .api_client import ApiClient
from .shared_answers import SharedAnswers

# As in this process: what many threads are told alike is asked for once, unless it is long.
_MOST_CHARACTERS = 4000


class ServerTokenizer:
    """Encodes and decodes for one model of a server; what the template says, and what many are told, is asked once."""

    def __init__(self, api: ApiClient, model: str) -> None:
        self._api = api
        self._model = model
        self._marks = SharedAnswers(self._render_marks)
        self._texts = SharedAnswers(self._decode_one)
        self._ids = SharedAnswers(self._encode)

    async def encode(self, text: str, role: Role, after: Context | None) -> Segment:
        """The segment that says `text` as `role` after a context."""
        roles = roles_of(after)
        if roles and roles[-1] == role:
            return Segment(role, text, await self._ids_of(text))
        ids = await self._ids_of(await self._marks.get((*roles, role)) + text)
        # Its text is asked for where it matters only.
        if (
            ids
            and may_end_with(after, ids[0])
            and ends_with_mark(after, ids[0], await self._texts.get(ids[0]))
        ):
            ids = ids[1:]
        return Segment(role, text, ids)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """The text of these ids."""
        answer = await self._api.post("/detokenize", self._request(tokens=list(token_ids)))
        with expected_shape(f"{self._api.url}/detokenize"):
            return text_in(answer["prompt"])

    async def window(self) -> int:
        """The longest sequence. The card of a LoRA adapter does not tell it, this answer does."""
        answer = await self._api.post("/tokenize", self._request(prompt="a"))
        with expected_shape(f"{self._api.url}/tokenize"):
            return int(answer["max_model_len"])

    async def _ids_of(self, text: str) -> tuple[int, ...]:
        if not text:
            return ()
        return await (self._ids.get(text) if len(text) <= _MOST_CHARACTERS else self._encode(text))

    async def _encode(self, text: str) -> tuple[int, ...]:
        return await self._tokenize(prompt=text, add_special_tokens=False)

    async def _decode_one(self, token_id: int) -> str:
        return await self.decode([token_id])

    async def _render_marks(self, roles: tuple[Role, ...]) -> str:
        messages, generation = to_render(roles)
        try:
            ids = await self._tokenize(messages=messages, add_generation_prompt=generation)
        except RequestRejected as error:
            if NO_TEMPLATE in str(error):
                return plain_marks(roles)
            raise RequestRejected(
                f"the chat template of {self._model} refuses the turns {', '.join(roles)}: {error}"
            ) from error
        return marks_before(await self.decode(ids), len(roles) - 1)

    async def _tokenize(self, **fields: Any) -> tuple[int, ...]:
        answer = await self._api.post("/tokenize", self._request(**fields))
        with expected_shape(f"{self._api.url}/tokenize"):
            return ids_in(answer["tokens"])

    def _request(self, **fields: Any) -> dict[str, Any]:
        return {"model": self._model, **fields}
