"""Sessions that were driven to their end over a decoder that records them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines import Chunk, Collaboration, Layout, Passage, Sampling
from engines.hogwild.session import Session
from engines.hogwild.steps import end_of_step
from tests.engines.recording_decoder import SAMPLED, RecordingDecoder

PROMPT = tuple(map(ord, "prompt" * 100 + "\u0001"))
# Marks that stand nowhere else, so that what was put in can be told apart.
OTHERS, OWN, QUESTION, CLOSING = "<others>", "<own>\u0002", "\u00bf", "\u2234{"
LAYOUTS: Sequence[Layout] = ("combined", "contiguous", "interleaved")


@dataclass(frozen=True)
class Step:
    passage: Passage
    ids: tuple[int, ...]

    @property
    def generated(self) -> list[int]:
        return [id for id in self.ids if id >= SAMPLED]


class Run:
    """A session from its beginning to its end."""

    def __init__(
        self,
        team: Collaboration,
        scripts: Sequence[Sequence[bytes]],
        closing: Sequence[bytes] = (b"7", b"}"),
        *,
        max_tokens: int = 200,
        window: int = 100_000,
    ) -> None:
        self.team = team
        self.decoder = RecordingDecoder(team, scripts, closing)
        self.max_tokens, self.window = max_tokens, window
        sampling = Sampling(max_tokens=max_tokens, collaboration=team)
        session = Session(PROMPT, sampling, self.decoder, self.decoder.vocabulary, window=window)
        self.chunks: list[Chunk] = []
        while not self.chunks or self.chunks[-1].finish_reason is None:
            chunk = session.advance()
            if chunk is not None:
                self.chunks.append(chunk)
        self.ids = tuple(id for chunk in self.chunks for id in chunk.token_ids)
        self.text = "".join(chunk.text for chunk in self.chunks)
        self.passages = [passage for chunk in self.chunks for passage in chunk.passages]
        self.steps: list[Step] = []
        start = 0
        for passage in self.passages:
            self.steps.append(Step(passage, self.ids[start : start + passage.tokens]))
            start += passage.tokens
        self.end = self.chunks[-1]

    def decode(self, ids: Sequence[int]) -> str:
        return self.decoder.vocabulary.decode(ids)

    def of(self, worker: int | None) -> list[Step]:
        return [step for step in self.steps if step.passage.worker == worker]

    def ended_by_itself(self, step: Step) -> bool:
        """Whether the last token ended it, as text."""
        return end_of_step(self.decode(step.generated), 0, self.team.answer) is not None

    def finished(self, step: Step) -> bool:
        return self.ended_by_itself(step) or len(step.generated) == self.team.step_tokens

    def passed(self, step: Step) -> int:
        """The pass in which its last token was sampled."""
        return self.decoder.sampled_in[step.generated[-1]]

    @property
    def shows_marks(self) -> bool:
        return len(self.team.workers) > 1 and self.team.layout != "interleaved"

    @property
    def begun(self) -> bool:
        return bool(self.decoder.history)

    @property
    def finished_steps(self) -> list[Step]:
        return [s for s in self.steps if s.passage.worker is not None and self.finished(s)]
