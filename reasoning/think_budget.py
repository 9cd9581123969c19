"""Budget forcing: a thought of no more and no fewer tokens than asked for (s1, Muennighoff et al. 2025, section 3).

context ─> thought ──┬─ ended early ───> "Wait, ..." ─> thought goes on, a few times at most
                     ├─ too long ──────> end of thinking ─> answer
                     └─ ended in time ─> answer

A model that thinks between tags ends its thought with `</think>`, and the answer follows. Whether the chat template
opened the thought, the model did, or nobody, is read from the turn itself. For a model without tags the thought ends
with its turn and is the answer; where it has to be ended, a phrase of ours leads to the boxed answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import Context, Engine, Sampling, UsageError, converse

from .answer import Answer
from .chain_of_thought import INSTRUCTION
from .model_turn import ModelTurn, Words

_START = "<think>"
_END = "</think>"

_GO_ON = Words(
    spoken="\n\nWait, let me check that once more.",
    asked="Check that once more, step by step. End with the final answer in \\boxed{}.",
)
_ANSWER_NOW = "That was enough thinking. Give only the final answer now, in \\boxed{}."
_THOUGHT_ENDED = Words(spoken=_END, asked=_ANSWER_NOW)
_END_THOUGHT = Words(spoken=f"\n{_END}\n\n", asked=_ANSWER_NOW)
_END_PLAIN_THOUGHT = Words(spoken="\n\nSo the final answer is \\boxed{", asked=_ANSWER_NOW)


@dataclass(frozen=True, kw_only=True)
class ThinkBudget:
    """One thread whose thought is ended at a budget, and continued below one.

    Tokens are those that the model generates. On an engine that takes chat messages only, thoughts are ended and
    continued by a further turn of the user.

    Attributes:
        sampling: How to sample; its limit is set here, a seed is made each call's own.
        instruction: What is added to the user's turn.
        max_thinking: The most tokens of thought, at least 1; less where the window would leave no room for the answer.
        min_thinking: A thought that ends before so many tokens is continued.
        max_continuations: How often.
        answer_tokens: The most tokens of the answer after the thought, at least 1.
    """

    sampling: Sampling = Sampling()
    instruction: str = INSTRUCTION
    max_thinking: int = 1024
    min_thinking: int = 0
    max_continuations: int = 2
    answer_tokens: int = 256

    def __post_init__(self) -> None:
        """Refuses budgets that cannot be kept."""
        if self.max_thinking < 1 or self.answer_tokens < 1:
            raise UsageError(
                f"a thought of {self.max_thinking} tokens and an answer of {self.answer_tokens}: "
                f"at least 1 is needed of each"
            )
        if not 0 <= self.min_thinking <= self.max_thinking:
            raise UsageError(
                f"a thought of at least {self.min_thinking} and at most {self.max_thinking} tokens: "
                f"the least must be between 0 and the most"
            )
        if self.max_continuations < 0:
            raise UsageError(f"{self.max_continuations} continuations: at least 0 is needed")

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks within the budget, then answers.

        Raises:
            ContextTooLong: The window has no room for a first token.
        """
        opened = await converse(
            engine, [("user", self.instruction), ("assistant", "")], after=context
        )
        marks = await _end_marks(opened, engine)
        first = self._thinking(marks, opened, engine, spent=0)
        turn = await ModelTurn.begin(engine, opened, first)
        for number in range(1, self.max_continuations + 1):
            if turn.last.truncated or turn.generated >= self.min_thinking:
                break
            more = self._thinking(marks, turn.context, engine, spent=turn.generated)
            await turn.go_on(f"continue-{number}", _GO_ON, more)
            if turn.cut:
                return turn.answer()
        return await self._answered(turn, marks)

    async def _answered(self, turn: ModelTurn, marks: tuple[str | int, ...]) -> Answer:
        thought = turn.last
        if thought.limited_by is not None:
            # A budget cut it, which has nothing left for an answer.
            return turn.answer()
        marked = await turn.text_with_marks()
        inside = marked.rfind(_START) > marked.rfind(_END)
        if thought.stop_reason in marks:
            words = _THOUGHT_ENDED
        elif inside:
            words = _END_THOUGHT
        elif thought.truncated:
            words = _END_PLAIN_THOUGHT
        else:
            # It said what it had to say.
            return turn.answer()
        forced = f"its thinking was ended after {turn.generated} tokens"
        answering = self.sampling.model_copy(update={"max_tokens": self.answer_tokens})
        await turn.go_on("answer", words, answering)
        return turn.answer(forced if thought.truncated else "")

    def _thinking(
        self, marks: tuple[str | int, ...], context: Context, engine: Engine, *, spent: int
    ) -> Sampling:
        """Samples a thought until it ends or its budget does, and leaves room for the answer where that is known."""
        limit = self.max_thinking - spent
        if engine.capabilities.window is not None and context.has_token_ids:
            room = engine.capabilities.window - len(context.token_ids) - self.answer_tokens
            limit = max(1, min(limit, room))
        texts = [mark for mark in marks if isinstance(mark, str)]
        ids = [mark for mark in marks if isinstance(mark, int)]
        return self.sampling.model_copy(
            update={
                "max_tokens": limit,
                "stop": (*self.sampling.stop, *texts),
                "stop_token_ids": (*self.sampling.stop_token_ids, *ids),
            }
        )


async def _end_marks(opened: Context, engine: Engine) -> tuple[str | int, ...]:
    """What ends a thought: a text, and an id where the tokenizer has one for it, which may be one that texts hide."""
    ids = (await engine.encode(_END, role="assistant", after=opened)).token_ids
    return (_END, *ids) if ids is not None and len(ids) == 1 else (_END,)
