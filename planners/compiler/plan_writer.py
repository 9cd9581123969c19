"""Has a model write the steps of a plan: each is sent on as soon as it is there, and a line that is wrong is mended.

    stream ─> PlanParser ─> Draft.add
                  └─ a problem ─> the stream is left, the model told, and it goes on with the next step

What stands stays, since it may have been carried out; so does what a run wrote before it died. It knows neither rounds
nor what becomes of the steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engines import Chunk, Delivery, Grammar, Sampling

from ..errors import PlanError, PlanSyntaxError
from ..language.grammar import plan_grammar
from ..language.plan_parser import PlanParser
from ..plan import Call
from ..planner import PlanSink
from ..tool_specification import ToolSpecification
from .conversation import Conversation
from .draft import Draft
from .prompts import go_on, mend


@dataclass(frozen=True, kw_only=True)
class PlanWriter:
    """Has rounds of a plan written.

    Attributes:
        tools: By name.
        sink: Hears the text.
        sampling: How to sample each turn of the model; its constraint is replaced.
        methods: What thoughts may name as their method, under a grammar.
        min_steps: So many steps of the first round refer to no other.
        max_steps: The most steps of a round.
        most_steps: The most steps of all rounds.
        max_repairs: How often a round is mended.
        thoughts: Whether steps may think, under a grammar.
        speculate: Whether the sink is told of calls that are not quite written yet.
    """

    tools: Mapping[str, ToolSpecification]
    sink: PlanSink
    sampling: Sampling
    methods: Collection[str]
    min_steps: int
    max_steps: int
    most_steps: int
    max_repairs: int
    thoughts: bool = True
    speculate: bool = False

    async def write(self, conversation: Conversation, draft: Draft) -> None:
        """Has one round written; the model's turn is open.

        Raises:
            PlanError: It was wrong once more than it is mended, or the plan has no step.
            EngineError: The engine failed it.
            BudgetExhausted: Nothing is left for it.
        """
        most = min(draft.steps + self.max_steps, self.most_steps)
        bounds = _Bounds(first=draft.last + 1, most=most)
        repairs = 0
        while True:
            turn = _Turn(self, draft, bounds)
            await self._hear(conversation, turn)
            problem = turn.problem or (None if draft.steps else _no_step())
            if problem is None:
                return
            if repairs == self.max_repairs:
                raise _given_up(problem)
            repairs += 1
            self.sink.text("\n")
            request = mend(str(problem), turn.line, draft.last + 1)
            await conversation.ask(request, f"repair-{repairs}")

    async def _hear(self, conversation: Conversation, turn: _Turn) -> None:
        """Reads what the model says in its turn, up to the plan's end or to a line that is wrong."""
        engine = conversation.engine
        sampling = self._sampling(conversation, turn, self.sampling.max_tokens)
        resumed = 0
        # What a run wrote before it died stands: its nodes may have been carried out.
        while kept := await engine.unfinished(conversation.context, sampling):
            lines = _standing("".join(chunk.text for chunk in kept), self.tools)
            if not lines:
                break
            turn.take(lines)
            if turn.over:
                conversation.hear(kept)
                return
            await conversation.hear_part(kept, len(lines))
            if not conversation.context.has_token_ids:
                # Without ids nobody can go on with the model's turn, so that it gets another.
                resumed += 1
                await conversation.ask(go_on(turn.next_step), f"resumed-{resumed}")
            left = max(1, sampling.max_tokens - kept[-1].usage.generated_tokens)
            sampling = self._sampling(conversation, turn, left)
        await self._stream(conversation, turn, sampling)

    async def _stream(self, conversation: Conversation, turn: _Turn, sampling: Sampling) -> None:
        heard: list[Chunk] = []
        delivery = Delivery(durable=True)
        async with conversation.engine.stream(conversation.context, sampling, delivery) as chunks:
            async for chunk in chunks:
                heard.append(chunk)
                turn.take(chunk.text, last=chunk.finish_reason == "stop")
                if self.speculate:
                    turn.guess()
                # A grammar ends with the plan; a free model may go on.
                if turn.problem or (turn.over and sampling.constraint is None):
                    break
        conversation.hear(heard)
        if not turn.over and heard and heard[-1].finish_reason == "length":
            self.sink.remark(f"the plan was cut after {heard[-1].usage.generated_tokens} tokens")

    def _sampling(self, conversation: Conversation, turn: _Turn, max_tokens: int) -> Sampling:
        constraint = None
        if "grammar" in conversation.engine.capabilities.constraints:
            constraint = Grammar(rules=turn.grammar())
        change = {"constraint": constraint, "max_tokens": max_tokens}
        return self.sampling.model_copy(update=change).for_branch(conversation.context.path)


@dataclass(frozen=True, kw_only=True)
class _Bounds:
    """Of a round: the number of its first step, and how many steps there are at most at its end."""

    first: int
    most: int


class _Turn:
    """A turn of the model, read while it comes.

    Attributes:
        problem: What is wrong with its last line.
        line: That line.
    """

    def __init__(self, writer: PlanWriter, draft: Draft, bounds: _Bounds) -> None:
        self.problem: PlanError | None = None
        self.line = ""
        self._writer = writer
        self._draft = draft
        self._bounds = bounds
        self._parser = PlanParser(writer.tools)
        self._text = ""
        self._guessed: Call | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is read."""
        full = self._draft.steps >= self._bounds.most
        return full or self._parser.joined or self.problem is not None

    @property
    def next_step(self) -> int:
        """The number of the step to come."""
        return self._draft.last + 1

    def grammar(self) -> str:
        """The grammar of the steps that may still come."""
        writer, draft = self._writer, self._draft
        return plan_grammar(
            writer.tools.values(),
            min_steps=writer.min_steps if self._bounds.first == 1 else 0,
            max_steps=draft.last + self._bounds.most - draft.steps,
            first_step=self.next_step,
            known=draft.usable,
            methods=writer.methods,
            thoughts=writer.thoughts,
            # Before the plan, not in it.
            preface=self.next_step == 1 and not self._text,
        )

    def guess(self) -> None:
        """Tells the sink which call is all but written, where that has changed."""
        pending = None if self.over else self._parser.pending
        if pending != self._guessed:
            self._guessed = pending
            self._draft.guess(pending)

    def take(self, text: str, *, last: bool = False) -> None:
        """Takes more text; the steps that it completes are sent on."""
        self._writer.sink.text(text)
        # Line by line, so that what stands before a problem is there.
        for piece in (*text.splitlines(keepends=True), *([""] if last else [])):
            if self.over:
                return
            start = self._parser.complete
            self._text += piece
            try:
                for node in self._parser.feed(piece) if piece else self._parser.close():
                    self._draft.add(node)
            except PlanError as error:
                self.problem, self.line = error, self._text[start:].strip()
                return


def _standing(text: str, tools: Mapping[str, ToolSpecification]) -> str:
    """What is kept of a turn that broke off: its complete lines, or all of it where its end was reached."""
    parser = PlanParser(tools)
    try:
        parser.feed(text)
    except PlanSyntaxError:
        return text
    return text if parser.joined else text[: parser.complete]


def _no_step() -> PlanError:
    return PlanError("the planner wrote no complete step")


def _given_up(problem: PlanError) -> PlanError:
    advice = "use another model, more tokens (planner.sampling.max_tokens), --planner single, or a plan file"
    if isinstance(problem, PlanSyntaxError):
        return PlanSyntaxError(problem.line, f"{problem.problem}: {advice}")
    return PlanError(f"{problem}: {advice}")
