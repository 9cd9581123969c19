"""Requests, and what was answered to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engines import FakeEngine, Usage
from orchestrator.gateway.answering.answering import Answering
from orchestrator.openai_api.model_request import ModelRequest
from orchestrator.openai_api.pieces import Ended, Finished, Piece, Reasoning, Said, Told, ToolCall


def request(model: str = "", question: str = "2 + 2?", **fields: Any) -> ModelRequest:
    return ModelRequest(**{"turns": (("user", question),), "model": model, **fields})


@dataclass(frozen=True)
class Answered:
    pieces: Sequence[Piece]

    def text(self, choice: int = 0) -> str:
        said = (piece for piece in self.pieces if isinstance(piece, Said))
        return "".join(piece.text for piece in said if piece.choice == choice)

    @property
    def reasoning(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Reasoning))

    @property
    def told(self) -> list[Any]:
        return [piece.event for piece in self.pieces if isinstance(piece, Told)]

    @property
    def calls(self) -> list[ToolCall]:
        return [piece for piece in self.pieces if isinstance(piece, ToolCall)]

    @property
    def reasons(self) -> dict[int, str]:
        """How each choice finished; each does so once."""
        finished = [piece for piece in self.pieces if isinstance(piece, Finished)]
        assert len({piece.choice for piece in finished}) == len(finished)
        return {piece.choice: piece.reason for piece in finished}

    @property
    def ended(self) -> Ended:
        """The last piece, and the only one of its kind."""
        assert [isinstance(piece, Ended) for piece in self.pieces].index(True) == (
            len(self.pieces) - 1
        )
        last = self.pieces[-1]
        assert isinstance(last, Ended)
        return last


async def answered(answering: Answering, asked: ModelRequest, owner: str = "me") -> Answered:
    async with answering.answer(asked, owner=owner) as pieces:
        return Answered([piece async for piece in pieces])


async def assert_counts_agree(engine: FakeEngine, *usages: Usage) -> None:
    """The engine's own count is the sum of what requests were told, and nothing is left in it."""
    counted, told = await engine.statistics(), sum(usages, Usage())
    assert counted.running == 0
    assert counted.prompt_tokens == told.prompt_tokens
    assert counted.generated_tokens == told.generated_tokens
