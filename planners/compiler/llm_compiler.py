"""LLMCompiler: the model writes a DAG of steps, and each runs while it still writes (Kim et al. 2024).

    question + tools ─> model, under a grammar ─> "1. multiply(12, 7)" ─> Call ──┐
        ^                                         "2. think("...")"    ─> Think ─┼─> results
        │                                         "join()"                       │
        └── replan: what is missing ── joiner <──────────────────────────────────┘
                                          └── finish ─> Conclude         the last round ─> Reduce

Each round goes on with the conversation of the one before, so that all of it is in the KV cache. Its steps are numbered
on, may refer to earlier ones, and never make a call again that has a result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engines import BudgetExhausted, Engine, EngineError, Sampling, UsageError, converse

from ..errors import PlanError
from ..options import check_least
from ..planner import PlanSink
from ..validation import Vocabulary
from .conversation import Conversation
from .draft import Draft
from .joiner import Joiner
from .plan_writer import PlanWriter
from .prompts import instructions, next_round


@dataclass(frozen=True, kw_only=True)
class LLMCompiler:
    """Has the model write the plan, under a grammar where the engine can enforce one, and judge what it gave.

    A joiner that finishes has written the answer, and no reducer is asked, nor the agent's own. The last round has no
    joiner: its open ends are merged. So without replans the reducer always has the last word.

    Attributes:
        sampling: How to sample plans and verdicts; its constraint is replaced, a seed is made the branch's own.
        min_steps: So many steps, the first ones of the plan, refer to no other and run at the same time.
        max_steps: The most steps of a round; what a free model writes after them is not read.
        max_replans: How often further steps may be planned once results are there.
        max_repairs: How often the model is told what is wrong with a round, or with a verdict, and goes on.
        thoughts: Whether steps may think; without, all are calls of tools, if there are any.
        methods: What thoughts may name as their method; without any they think with the run's own.
        reducer: What merges the results that no other step uses.
        speculate: Whether pure calls may start before their line is complete.

    Raises:
        UsageError: There may be no step, or a number is negative.
    """

    sampling: Sampling = Sampling(max_tokens=768, temperature=0.3)
    min_steps: int = 1
    max_steps: int = 12
    max_replans: int = 1
    max_repairs: int = 2
    thoughts: bool = True
    methods: tuple[str, ...] = ()
    reducer: str = "synthesise"
    speculate: bool = False

    def __post_init__(self) -> None:
        """Refuses what could not plan anything."""
        check_least(self, min_steps=0, max_steps=1, max_replans=0, max_repairs=0)
        if self.min_steps > self.max_steps:
            raise UsageError(
                f"LLMCompiler with min_steps={self.min_steps} and max_steps={self.max_steps}: a plan has at least the "
                f"former and at most the latter, so raise max_steps"
            )

    def with_seed(self, seed: int | None) -> LLMCompiler:
        """The same with a seed for sampling."""
        return replace(self, sampling=self.sampling.model_copy(update={"seed": seed}))

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        """Streams the plan, round by round; the model is stopped at each `join()`.

        Returns:
            The tokens that it generated: plans, repairs and verdicts.

        Raises:
            PlanError: The model wrote no plan that can be run.
            EngineError: The engine failed the first round.
            BudgetExhausted: Nothing is left for the first round.
        """
        prompt = await converse(
            engine,
            [
                ("system", self._instructions(vocabulary)),
                ("user", f"Question: {question}"),
                ("assistant", ""),
            ],
            name="plan",
        )
        conversation, draft = Conversation(engine, prompt), Draft(sink, vocabulary.tools)
        writer = PlanWriter(
            tools=vocabulary.tools,
            sink=sink,
            sampling=self.sampling,
            methods=self.methods,
            min_steps=self.min_steps,
            max_steps=self.max_steps,
            # The last node is the one that concludes.
            most_steps=vocabulary.max_nodes - 1,
            max_repairs=self.max_repairs,
            thoughts=self.thoughts,
            speculate=self.speculate,
        )
        await writer.write(conversation, draft)
        answer = None
        try:
            answer = await self._answer(conversation, draft, writer, sink)
        except (PlanError, EngineError, BudgetExhausted, UsageError) as error:
            # What there is may well do for an answer.
            sink.remark(f"no further steps were planned: {error}")
        if answer is None:
            draft.reduce(self.reducer)
        else:
            draft.conclude(answer)
        return conversation.tokens

    def _instructions(self, vocabulary: Vocabulary) -> str:
        tools = list(vocabulary.tools.values())
        return instructions(tools, self.methods, thoughts=self.thoughts or not tools)

    async def _answer(
        self, conversation: Conversation, draft: Draft, writer: PlanWriter, sink: PlanSink
    ) -> str | None:
        """The joiner's answer; None where it has none to give."""
        joiner = Joiner(sampling=self.sampling, attempts=self.max_repairs + 1)
        for replan in range(1, self.max_replans + 1):
            asked = await joiner.judge(conversation, await draft.look(), f"joiner-{replan}")
            if asked.value is None:
                sink.remark(f"the results were merged without being judged: {asked.problem}")
                return None
            if asked.value.action == "finish":
                return asked.value.text
            if draft.steps >= writer.most_steps:
                sink.remark(f"no further steps were planned: a plan has {draft.steps} at most")
                return None
            sink.text("\n")
            before = draft.steps
            await conversation.ask(next_round(draft.last + 1), f"replan-{replan}")
            await writer.write(conversation, draft)
            if draft.steps == before and replan < self.max_replans:
                sink.remark(f"replan {replan} of {self.max_replans} planned no further step")
                return None
        if self.max_replans:
            sink.remark(
                f"replans_exhausted: {self.max_replans} of {self.max_replans} used, and nobody judged what came last"
            )
        return None
