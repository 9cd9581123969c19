"""LLMCompiler: the model writes a DAG of steps, and each runs while it still writes (Kim et al. 2024).

question + tools ─> model, under a grammar ─> "1. multiply(12, 7)" ─> Call ─┐
                                              "2. think("...")"    ─> Think ─┼─> Reduce
                                              "join()"                       ┘
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engines import Engine, Grammar, Sampling, converse

from .errors import PlanError
from .grammar import plan_grammar
from .plan import Call, Reduce, Think, sinks
from .plan_parser import JOIN, THINK, PlanParser
from .planner import PlanSink
from .tool_specification import ToolSpecification
from .validation import Vocabulary

_INSTRUCTIONS = f"""\
You split a question into steps that can run at the same time.
Write one step a line, numbered from 1. A step is a call of a tool, or {THINK}("...") for a part that no tool can do. \
Use $1 for the result of step 1, and so on; refer to earlier steps only, and only where their result is needed. \
End with {JOIN}()."""


@dataclass(frozen=True, kw_only=True)
class LLMCompiler:
    """Has the model write the plan, under a grammar where the engine can enforce one.

    Attributes:
        sampling: How to sample the plan; its constraint is replaced, a seed is made the branch's own.
        min_steps: So many steps, the first ones, refer to no other and run at the same time.
        max_steps: The most steps; what a free model writes after them is not read.
        reducer: What merges the results that no other step uses.
    """

    sampling: Sampling = Sampling(max_tokens=768, temperature=0.3)
    min_steps: int = 2
    max_steps: int = 6
    reducer: str = "synthesise"

    def with_seed(self, seed: int | None) -> LLMCompiler:
        """The same with a seed for sampling."""
        return replace(self, sampling=self.sampling.model_copy(update={"seed": seed}))

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> None:
        """Streams the plan; the model is stopped at its `join()`.

        Raises:
            PlanError: The model wrote no plan that can be run.
        """
        tools = vocabulary.tools
        # The instructions come first and never change, so that the next question finds them in the KV cache.
        prompt = await converse(
            engine,
            [
                ("system", instructions(tools.values())),
                ("user", f"Question: {question}"),
                ("assistant", ""),
            ],
            name="plan",
        )
        parser = PlanParser(tools, max_steps=self.max_steps)
        nodes: list[Call | Think | Reduce] = []
        sampling = self._sampling(engine, tools.values()).for_branch(prompt.path)
        async with engine.stream(prompt, sampling) as chunks:
            async for chunk in chunks:
                sink.text(chunk.text)
                written = parser.feed(chunk.text)
                if chunk.finish_reason == "stop":
                    written += parser.close()
                for node in written:
                    nodes.append(node)
                    sink.node(node)
                # A grammar ends with the plan; a free model may go on.
                if parser.joined and sampling.constraint is None:
                    break
        if not nodes:
            raise PlanError(
                "the planner wrote no complete step: use another model, --planner single, or a plan file"
            )
        name = str(1 + max(int(node.id) for node in nodes))
        sink.node(Reduce(id=name, inputs=sinks(tuple(nodes)), reducer=self.reducer))

    def _sampling(self, engine: Engine, tools: Iterable[ToolSpecification]) -> Sampling:
        if "grammar" not in engine.capabilities.constraints:
            return self.sampling
        rules = plan_grammar(tools, min_steps=self.min_steps, max_steps=self.max_steps)
        return self.sampling.model_copy(update={"constraint": Grammar(rules=rules)})


def instructions(tools: Iterable[ToolSpecification]) -> str:
    """The planner's system prompt: what to do, the tools, an example that uses one of them."""
    tools = list(tools)
    listed = "\n".join(f"{tool.signature}: {tool.description}" for tool in tools)
    return f"{_INSTRUCTIONS}\n\nTools:\n{listed or '(none)'}\n\nExample:\n{_example(tools)}"


def _example(tools: Sequence[ToolSpecification]) -> str:
    """A plan for another question: weak models copy what they can, so that it must not fit every question."""
    calls = [tools[0].example] if tools else []
    older, newer = len(calls) + 1, len(calls) + 2
    steps = [
        *calls,
        f'{THINK}("How high is the older tower?")',
        f'{THINK}("How high is the newer tower?")',
        f'{THINK}("The towers measure ${{{older}}} and ${{{newer}}}. Which one is higher?")',
    ]
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    return "\n".join(["Question: Which of the two towers is higher?", *numbered, f"{JOIN}()"])
