"""The tags of a model that was trained to think in parallel and to sum up (ParaThinker): a token each.

    <think> <think1> first thread </think1> <think2> second thread </think2> <summary> answer </summary>

Which ids they have is asked of the tokenizer.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import Context, Engine, Sampling, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A text that is one token.

    Attributes:
        text: As text.
        token_id: As its id.
    """

    text: str
    token_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ThoughtTags:
    """The tags of some threads and of their summary.

    Attributes:
        openings: Of each thread.
        closings: Of each thread.
        summary: Opens the summary.
        summary_end: Closes it.
    """

    openings: tuple[Tag, ...]
    closings: tuple[Tag, ...]
    summary: Tag
    summary_end: Tag

    @classmethod
    async def of(cls, engine: Engine, threads: int, context: Context) -> ThoughtTags:
        """The tags of so many threads.

        Args:
            engine: Knows the tokenizer.
            threads: How many.
            context: Any; it is not changed.

        Raises:
            UsageError: The engine's tokenizer has not a token for each.
        """
        numbers = range(1, threads + 1)
        openings = [await _tag(f"<think{i}>", engine, context) for i in numbers]
        return cls(
            openings=tuple(openings),
            closings=tuple([await _tag(f"</think{i}>", engine, context) for i in numbers]),
            summary=await _tag("<summary>", engine, context),
            summary_end=await _tag("</summary>", engine, context),
        )

    def stopping(self, sampling: Sampling) -> Sampling:
        """The same sampling, ended by any of the tags."""
        tags = (*self.openings, *self.closings, self.summary, self.summary_end)
        stops = (*sampling.stop_token_ids, *(tag.token_id for tag in tags))
        return sampling.model_copy(update={"stop_token_ids": stops})


async def _tag(text: str, engine: Engine, context: Context) -> Tag:
    segment = await engine.encode(text, role=context.segment.role, after=context)
    ids = segment.token_ids or ()
    if len(ids) != 1:
        raise UsageError(
            f"{engine.model} has no token {text}: use a model trained for so many threads, or set tuned=no"
        )
    return Tag(text=text, token_id=ids[0])
