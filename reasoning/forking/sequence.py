"""One sequence while it is written: the whole, or one thread. What comes is mended, stitched and accounted for here.

    start ─> said ─> [threads, tail] ─> said ─> [threads, tail] ─> said ─> closing tags

It does not know when to fork.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from engines import Completion, Context, Engine, Segment

from ..answer import Answer, Branch
from ..extraction import extract_answer
from ..token_ids.stitching import stitched
from ..token_ids.stop_tags import StopTags
from .allowance import Allowance
from .balance import Balance
from .dialect import Dialect
from .own_words import own_words

_TAG = re.compile(r"</?\w+>")


class WrittenSequence:
    """What has been written after a context.

    Args:
        start: Where it begins; in the model's turn.
        dialect: The tags.
        tags: How they stop the model.
        allowance: The tokens that it may take.
        depth: 0 for the whole, 1 for its threads, 2 for theirs.

    Attributes:
        calls: How often the model was asked so far.
        blocks: How many blocks were forked so far.
        stands_after_threads: Whether threads and their tail were the last that was written.
        ended: Whether nothing more comes.
        repaired: Whether its closing tag was written for it, since the thread did not close itself.
    """

    def __init__(
        self,
        start: Context,
        *,
        dialect: Dialect,
        tags: StopTags,
        allowance: Allowance,
        depth: int = 0,
    ) -> None:
        self.start = start
        self.tags = tags
        self.depth = depth
        self.calls = 0
        self.blocks = 0
        self.stands_after_threads = False
        self.ended = False
        self.repaired = False
        self._dialect = dialect
        self._granted = allowance
        self._balance = Balance(dialect, in_thread=depth > 0)
        self._closed = False
        self._text = ""
        self._ids: tuple[int, ...] = ()
        self._own: list[str] = []
        self._stray = self._missing = 0
        self._account = Answer(text="")

    @property
    def is_thread(self) -> bool:
        """Whether it is one of the threads of a block."""
        return self.depth > 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written yet."""
        return not self._text

    @property
    def allowance(self) -> Allowance:
        """The tokens that it may still take."""
        return self._granted.after(self._account)

    def stand(self, name: str) -> Context:
        """Where it stands, as a fork of its beginning called so; before anything was written, the beginning."""
        if self.is_empty:
            return self.start
        return self.start.fork(name, Segment("assistant", self._text, self._ids))

    def begin_thread(self, fork: Context, allowance: Allowance) -> WrittenSequence:
        """A thread of a block in this sequence, which begins at a fork of it."""
        return WrittenSequence(
            fork,
            dialect=self._dialect,
            tags=self.tags,
            allowance=allowance,
            depth=self.depth + 1,
        )

    async def hear(
        self, engine: Engine, completion: Completion, stops: Collection[str]
    ) -> tuple[str, ...]:
        """Takes what a call said that these tags could end.

        Returns:
            The labels of the outlines that it ended with, if it ended with outlines.
        """
        self.calls += 1
        self.stands_after_threads = False
        self._account = replace(
            self._account,
            usage=self._account.usage + completion.usage,
            critical_path=self._account.critical_path + completion.usage.generated_tokens,
        )
        said = await self.tags.heard(engine, completion, stops)
        mended = self._balance.mend(said.text)
        segment = await stitched(engine, said, mended.pieces, self.start)
        self._add(segment)
        self._own.append(segment.text)
        self._stray += mended.stray
        self._missing += mended.missing
        self._closed, self.repaired = mended.closed, mended.repaired
        self.ended = mended.closed or not said.stopped
        if completion.truncated and self.ended and not mended.closed:
            self.cut(limited_by=completion.limited_by)
        return mended.labels if said.stopped else ()

    def cut(self, remark: str = "", *, limited_by: str | None = None) -> None:
        """Ends it before it came to its end."""
        self.ended = True
        self._account = replace(self._account, truncated=True, limited_by=limited_by)
        self._remark(remark)

    def count(self, branches: Sequence[Branch], remark: str) -> None:
        """Adds what the threads of a block took, whatever became of them."""
        self.blocks += 1
        shown = [self._shown(branch) for branch in branches]
        self._account = self._account.after(shown, remark=remark)

    async def merge(
        self, engine: Engine, threads: Sequence[tuple[str, Answer]], *, go_on: bool
    ) -> None:
        """Adds threads, each with its label; to go on, also what has to follow them."""
        for place, (label, thread) in enumerate(threads):
            await self._write(engine, self._dialect.thread_header(label, later=place > 0))
            self._add(Segment("assistant", thread.text, thread.token_ids))
        if go_on:
            self.stands_after_threads = True
            # It may open the conclusion.
            self._balance.mend(self._dialect.tail)
            await self._write(engine, self._dialect.tail)

    async def close(self, engine: Engine) -> Answer:
        """Closes what is still open, and makes the answer."""
        self.ended = True
        tags = self._balance.close_all()
        self._missing += len(tags)
        if not self.is_thread:
            await self._write(engine, "".join(f"\n{tag}" for tag in tags))
        elif not self._closed:
            self.repaired = True
            await self._write(engine, "".join(tags) + self._dialect.repair)
        self._note_what_was_mended()
        return replace(
            self._account,
            text=self._text,
            # What threads came to is not what was concluded from them.
            value=extract_answer(_TAG.sub("\n", "".join(self._own))),
            words=own_words(self._text, self._dialect, in_thread=self.is_thread),
            token_ids=self._ids,
            context=self.start.extend(Segment("assistant", self._text, self._ids)),
        )

    def _note_what_was_mended(self) -> None:
        if self._stray:
            self._remark(f"tags out of place taken out: {self._stray}")
        if self._missing:
            self._remark(f"tags missing put in: {self._missing}")
        if unforked := self._balance.blocks - self.blocks:
            self._remark(f"blocks not forked: {unforked}")
        if self.repaired:
            self._remark("the thread did not close itself")

    def _shown(self, branch: Branch) -> Branch:
        """The branch, as a person reads it; one that was cut did not come to close itself."""
        if branch.answer is None:
            return branch
        words = own_words(branch.answer.text, self._dialect, in_thread=True)
        return replace(branch, answer=replace(branch.answer, words=words))

    def _remark(self, remark: str) -> None:
        remarks = filter(None, (self._account.remark, remark))
        self._account = replace(self._account, remark="; ".join(remarks))

    async def _write(self, engine: Engine, text: str) -> None:
        if text:
            self._add(await engine.encode(text, role="assistant", after=self.start))

    def _add(self, segment: Segment) -> None:
        self._text += segment.text
        self._ids += segment.token_ids or ()
