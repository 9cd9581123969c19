"""What a method gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines import Completion, Context, Usage

from .extraction import extract_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The end of a thread of thought, or of many.

    Attributes:
        text: All that the thread said.
        value: The final answer in it, such as `70`; None if none can be told apart.
        context: Where the thread stands, so that another can go on from there; None for a computed value.
        usage: What it took: all calls, those of branches that lost included. A fork that failed leaves no answer,
            so its calls are not counted here; the run's own count has them.
        critical_path: Tokens generated one after another, along the longest chain of calls.
        truncated: Whether a limit cut it before it came to its end.
        limited_by: What of a budget (`tokens`, `seconds`) cut it; None where none did.
        remark: What a reader should know of how it came about, such as samples that were lost; empty if nothing.
        candidates: The answers that it was reduced from, in their order.
    """

    text: str
    value: str | None = None
    context: Context | None = None
    usage: Usage = Usage()
    critical_path: int = 0
    truncated: bool = False
    limited_by: str | None = None
    remark: str = ""
    candidates: tuple[Answer, ...] = ()

    @property
    def final(self) -> str:
        """The final answer, or all of the text where none can be told apart."""
        return self.text.strip() if self.value is None else self.value

    @classmethod
    def from_completion(cls, completion: Completion) -> Answer:
        """The answer of a thread that was one completion."""
        return cls(
            text=completion.text,
            value=extract_answer(completion.text),
            context=completion.context,
            usage=completion.usage,
            critical_path=completion.usage.generated_tokens,
            truncated=completion.truncated,
            limited_by=completion.limited_by,
        )


def reduced(answer: Answer, candidates: Sequence[Answer]) -> Answer:
    """An answer that a reducer made of candidates, with what all of them took added to what the reducer took."""
    usage = sum((candidate.usage for candidate in candidates), answer.usage)
    longest = max((candidate.critical_path for candidate in candidates), default=0)
    return replace(
        answer,
        usage=usage,
        critical_path=answer.critical_path + longest,
        candidates=tuple(candidates),
    )
