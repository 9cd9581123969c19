"""The model's turn in several pieces, with words of ours between them: one sequence of ids, none encoded twice.

question ─> "... so it is 4." ─> "Wait, let me check." ─> "... yes, 4." ─> "The final answer is" ─> "4."
             the model             ours                    the model          ours                   the model

It does not know what the words are for. On a text-only engine, which cannot go on with the model's turn, further turns
of the user take the place of our words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engines import (
    BudgetExhausted,
    Completion,
    Context,
    ContextTooLong,
    Engine,
    Role,
    Sampling,
    converse,
)

from .answer import Answer
from .extraction import extract_answer
from .token_ids.span import Span
from .token_ids.stitching import stitched
from .token_ids.stop_tags import StopTags
from .voting.confidence import confidence_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said to make the model go on.

    Attributes:
        spoken: In the model's own turn.
        asked: By the user, where the engine cannot go on with the model's turn.
    """

    spoken: str
    asked: str


class ModelTurn:
    """A turn of the model that has begun to speak. Made by `ModelTurn.begin`.

    Attributes:
        context: All that was said so far.
        last: The last piece that the model said.
        usage: What all pieces took. They follow on each other, so that it is the critical path too.
        cut: Whether the model's window or a budget had no room for another piece.
    """

    def __init__(self, engine: Engine, opened: Context, first: Completion) -> None:
        self._engine = engine
        self._opened = opened
        self.context = first.context
        self.last = first
        self.usage = first.usage
        self.cut = False
        self._limited_by = first.limited_by
        self._logprobs = first.logprobs

    @classmethod
    async def begin(cls, engine: Engine, opened: Context, sampling: Sampling) -> ModelTurn:
        """Says the first piece after `opened`, where the model's turn is open.

        Raises:
            EngineError: As the engine does.
        """
        first = await engine.generate(opened, sampling.for_branch(opened.path))
        return cls(engine, opened, first)

    @property
    def generated(self) -> int:
        """Tokens that the model generated."""
        return self.usage.generated_tokens

    async def go_on(self, name: str, words: Words, sampling: Sampling) -> None:
        """Says our words, on a fork called `name`, and lets the model say the next piece.

        Where no token fits into the window or a budget any more, all stays as it is, and `cut` says so.

        Raises:
            EngineError: As the engine does otherwise.
        """
        prompt = await self._with(name, words)
        try:
            self.last = await self._engine.generate(prompt, sampling.for_branch(prompt.path))
        except ContextTooLong:
            self.cut = True
        except BudgetExhausted as error:
            self.cut, self._limited_by = True, error.what
        else:
            self.context = self.last.context
            self._limited_by = self.last.limited_by
            self.usage += self.last.usage
            self._logprobs += self.last.logprobs

    async def text_with_marks(self) -> str:
        """What the model's turn looks like to the model, the template's marks and special tokens included."""
        if not self.context.has_token_ids:
            return self._text
        before = self._opened.parent
        start = 0 if before is None else len(before.token_ids)
        return await self._engine.decode(self.context.token_ids[start:])

    def answer(self, remark: str = "") -> Answer:
        """The answer that the turn is."""
        text = self._text
        ids = self.context.has_token_ids
        return Answer(
            text=text,
            value=extract_answer(text),
            token_ids=self.context.token_ids[len(self._opened.token_ids) :] if ids else (),
            context=self.context,
            usage=self.usage,
            critical_path=self.generated,
            truncated=self.cut or self.last.truncated,
            limited_by=self._limited_by,
            confidence=confidence_of(self._logprobs),
            remark=remark,
        )

    @property
    def _text(self) -> str:
        said = self.context.lineage[len(self._opened.lineage) :]
        return "".join(node.segment.text for node in said if node.segment.role == "assistant")

    async def _with(self, name: str, words: Words) -> Context:
        if not self.context.has_token_ids:
            turns: list[tuple[Role, str]] = [("user", words.asked), ("assistant", "")]
            return await converse(self._engine, turns, after=self.context, name=name)
        spoken = await without_end(self.last, self._engine)
        return await converse(self._engine, [("assistant", words.spoken)], after=spoken, name=name)


async def without_end(completion: Completion, engine: Engine) -> Context:
    """The context of a completion without the ids of what ended it, so that its turn can go on.

    Engines keep the ids of a stop text and of the model's own end of turn, which are no part of the text. Where a stop
    text began in the middle of a token, what that token says before it is encoded anew.
    """
    before = completion.context.parent
    if completion.truncated or not completion.token_ids or before is None:
        return completion.context
    said = await StopTags({}).heard(engine, completion, ())
    kept = await stitched(engine, said, [Span(0, len(said.text))], before)
    return before.extend(replace(kept, text=completion.text))
