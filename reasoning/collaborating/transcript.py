"""Who said what in a completion that several workers wrote: its ids, cut by passages and decoded.

ids    ████████  ██████████  ██████  ███████  ██████████
       Alice     Bob         Alice   Bob      nobody
       step 1    step 2      step 3  unfin.   the closing
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines import Collaboration, Completion, Engine
from engines.hogwild.steps import final_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A passage with what it says.

    Attributes:
        worker: The worker's number; None for the closing.
        text: All of it, with what was put in.
        token_ids: The ids of that.
        generated: How many of these were sampled.
    """

    worker: int | None
    text: str
    token_ids: tuple[int, ...]
    generated: int


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A completion of workers.

    Attributes:
        completion: All of it.
        team: Who wrote it.
        said: Its passages in their order; none where nothing was finished.
    """

    completion: Completion
    team: Collaboration
    said: Sequence[Said]

    @classmethod
    async def of(cls, completion: Completion, team: Collaboration, engine: Engine) -> Transcript:
        """Cuts a completion into what each said."""
        said, start = list[Said](), 0
        for passage in completion.passages:
            ids = completion.token_ids[start : start + passage.tokens]
            start += passage.tokens
            text = await engine.decode(ids)
            said.append(
                Said(worker=passage.worker, text=text, token_ids=ids, generated=passage.generated)
            )
        return cls(completion=completion, team=team, said=said)

    def of_worker(self, number: int) -> Sequence[Said]:
        """What one of them said."""
        return [piece for piece in self.said if piece.worker == number]

    @property
    def closing(self) -> Said | None:
        """What was said for the workers, where they came to no answer."""
        return next((piece for piece in self.said if piece.worker is None), None)

    @property
    def answered(self) -> Said | None:
        """The step that ended the work, if one did. What stands after it was unfinished, whatever it says."""
        if self.completion.truncated:
            return None
        steps = (piece for piece in self.said if piece.worker is not None)
        return next(filter(self.final, steps), None)

    @property
    def spoken(self) -> str:
        """All that the workers wrote."""
        return "".join(piece.text for piece in self.said if piece.worker is not None)

    def final(self, piece: Said | None) -> str | None:
        """The answer in what was said, if there is one."""
        return None if piece is None else final_answer(piece.text, self.team.answer)

    @property
    def unsaid(self) -> int:
        """Tokens that the workers generated and that are in no passage: what they had not finished when it was cut."""
        told = sum(piece.generated for piece in self.said)
        return self.completion.usage.generated_tokens - told
