"""LLMCompiler: the model writes a DAG of steps, and each runs while it still writes (Kim et al. 2024).

question + tools ─> model, under a grammar ─> "1. multiply(12, 7)" ─> Call ─┐
                                              "2. think("...")"    ─> Think ─┼─> Reduce
                                              "join()"                       ┘
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engines import Chunk, Context, Delivery, Engine, Grammar, Sampling, Segment, converse

from .errors import PlanError, PlanSyntaxError
from .grammar import plan_grammar
from .plan import Node, Reduce, sinks
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
    ) -> int:
        """Streams the plan; the model is stopped at its `join()`.

        Returns:
            The tokens that it generated.

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
        writing = _Writing(PlanParser(tools, max_steps=self.max_steps), sink)
        sampling = self._sampling(engine, tools.values(), 0).for_branch(prompt.path)
        # What a run wrote before it died stands: its nodes may have been carried out.
        while kept := await engine.unfinished(prompt, sampling):
            lines = _complete_lines(kept, tools)
            if not lines:
                break
            writing.take(lines)
            writing.tokens += kept[-1].usage.generated_tokens
            if writing.joined or not prompt.has_token_ids:
                break
            prompt = prompt.extend(await _segment(engine, prompt, kept, lines))
            sampling = self._rest_of(sampling, engine, vocabulary, len(writing.nodes), kept)
        # Without ids nobody can go on with the model's turn: such a plan ends where it stands.
        if not writing.joined and not prompt.has_token_ids and writing.nodes:
            sink.remark("the plan ends where it stood when the run died")
        elif not writing.joined:
            await self._write(engine, prompt, sampling, writing, sink)
        writing.end(self.reducer)
        return writing.tokens

    async def _write(
        self,
        engine: Engine,
        prompt: Context,
        sampling: Sampling,
        writing: _Writing,
        sink: PlanSink,
    ) -> None:
        async with engine.stream(prompt, sampling, Delivery(durable=True)) as chunks:
            async for chunk in chunks:
                writing.take(chunk.text, last=chunk.finish_reason == "stop")
                if chunk.finish_reason is not None:
                    writing.tokens += chunk.usage.generated_tokens
                if chunk.finish_reason == "length" and not writing.joined:
                    sink.remark(f"the plan was cut after {chunk.usage.generated_tokens} tokens")
                # A grammar ends with the plan; a free model may go on.
                if writing.joined and sampling.constraint is None:
                    break

    def _sampling(self, engine: Engine, tools: Iterable[ToolSpecification], steps: int) -> Sampling:
        if "grammar" not in engine.capabilities.constraints:
            return self.sampling
        rules = plan_grammar(
            tools, min_steps=self.min_steps, max_steps=self.max_steps, first_step=steps + 1
        )
        return self.sampling.model_copy(update={"constraint": Grammar(rules=rules)})

    def _rest_of(
        self,
        sampling: Sampling,
        engine: Engine,
        vocabulary: Vocabulary,
        steps: int,
        kept: Sequence[Chunk],
    ) -> Sampling:
        """For the steps after these: a grammar that begins with the next, and the tokens that are left."""
        rest = self._sampling(engine, vocabulary.tools.values(), steps)
        left = max(1, sampling.max_tokens - kept[-1].usage.generated_tokens)
        return rest.model_copy(update={"seed": sampling.seed, "max_tokens": left})


class _Writing:
    """A plan that is being written: text in, nodes to the sink."""

    def __init__(self, parser: PlanParser, sink: PlanSink) -> None:
        self.nodes: list[Node] = []
        self.tokens = 0
        self._parser = parser
        self._sink = sink

    @property
    def joined(self) -> bool:
        return self._parser.joined

    def take(self, text: str, *, last: bool = False) -> None:
        self._sink.text(text)
        written = self._parser.feed(text)
        if last:
            written += self._parser.close()
        for node in written:
            self.nodes.append(node)
            self._sink.node(node)

    def end(self, reducer: str) -> None:
        """Merges what no other step uses."""
        if not self.nodes:
            raise PlanError(
                "the planner wrote no complete step: use another model, --planner single, or a plan file"
            )
        name = str(1 + max(int(node.id) for node in self.nodes))
        self._sink.node(Reduce(id=name, inputs=sinks(tuple(self.nodes)), reducer=reducer))


def _complete_lines(kept: Sequence[Chunk], tools: Mapping[str, ToolSpecification]) -> str:
    """The text of these chunks up to the end of its last complete line."""
    text = "".join(chunk.text for chunk in kept)
    parser = PlanParser(tools)
    try:
        parser.feed(text)
    except PlanSyntaxError:
        # A line that is no step is written again; those before it stand.
        return text[: parser.complete]
    return text if parser.joined else text[: parser.complete]


async def _segment(engine: Engine, prompt: Context, kept: Sequence[Chunk], lines: str) -> Segment:
    """The text as the model wrote it: its own ids as far as they go, the rest of the last line encoded."""
    ids: list[int] = []
    length = 0
    for chunk in kept:
        # Ids whose text has not come out yet belong to what is written again.
        if length == len(lines) or length + len(chunk.text) > len(lines):
            break
        length += len(chunk.text)
        ids += chunk.token_ids
    rest = await engine.encode(lines[length:], role="assistant", after=prompt)
    return Segment("assistant", lines, (*ids, *(rest.token_ids or ())))


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
