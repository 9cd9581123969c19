"""Stops a model at a tag, and tells what it said until there, with the ids that it said it in.

A tag that is one token of the model's is stopped by its id, any other by its text. Such a text may end within a token:

    ids      ... | "so" | "</" | "Path" | "><" | "Path"
    text     ... so</Path>                  what is behind the tag was not asked for
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engines import Completion, Context, Engine, Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model said in one call.

    Attributes:
        token_ids: All that it generated.
        decoded: Their text.
        text: What counts of it: until the end of the tag that stopped it, or before the mark of its own end.
        stopped: Whether a tag that was asked for ended it.
    """

    token_ids: tuple[int, ...]
    decoded: str
    text: str
    stopped: bool


@dataclass(frozen=True, slots=True)
class StopTags:
    """Tags that end a call.

    Attributes:
        tokens: The id of each tag; None where it is several tokens.
    """

    tokens: Mapping[str, int | None]

    @classmethod
    async def encoded(cls, engine: Engine, after: Context, tags: Collection[str]) -> StopTags:
        """Finds out which tags are one token."""
        tokens = {}
        for tag in tags:
            segment = await engine.encode(tag, role=after.segment.role, after=after)
            ids = segment.token_ids or ()
            tokens[tag] = ids[0] if len(ids) == 1 else None
        return cls(tokens)

    def added_to(self, sampling: Sampling, tags: Collection[str]) -> Sampling:
        """The same sampling, which also ends at these tags."""
        texts = tuple(tag for tag in tags if self.tokens[tag] is None)
        ids = tuple(token for tag in tags if (token := self.tokens[tag]) is not None)
        return sampling.model_copy(
            update={
                "stop": (*sampling.stop, *texts),
                "stop_token_ids": (*sampling.stop_token_ids, *ids),
            }
        )

    async def heard(self, engine: Engine, completion: Completion, tags: Collection[str]) -> Said:
        """What a call said that ended at one of these tags, or otherwise."""
        ids = completion.token_ids
        # Not the completion's text: that leaves out tags that are special tokens.
        decoded = await engine.decode(ids) if ids else ""
        text = self._until_tag(decoded, completion)
        if text is None:
            text = await _until_end(engine, decoded, completion)
        # A grammar may end a call right after a tag, before the stop is met.
        stopped = text.endswith(tuple(tags)) if tags else False
        return Said(token_ids=ids, decoded=decoded, text=text, stopped=stopped)

    def _until_tag(self, decoded: str, completion: Completion) -> str | None:
        reason = completion.stop_reason
        met = (
            tag
            for tag, token in self.tokens.items()
            if reason is not None and reason in (tag, token)
        )
        tag = next(met, None)
        if tag is None:
            return None
        # Whether ids hold the tag that ended them differs between engines.
        before, found, _ = decoded.partition(tag)
        return f"{before}{tag}" if found else f"{decoded}{tag}"


async def _until_end(engine: Engine, decoded: str, completion: Completion) -> str:
    """Without a stop text that the user gave, and without the mark of the model's own end."""
    if completion.finish_reason == "length" or not completion.token_ids:
        return decoded
    if isinstance(completion.stop_reason, str):
        return decoded.partition(completion.stop_reason)[0]
    last = await engine.decode(completion.token_ids[-1:])
    return decoded if completion.text.endswith(last) else decoded.removesuffix(last)
