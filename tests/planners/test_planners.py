from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from engines import (
    STREAMED,
    Capabilities,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    FakeEngine,
    Grammar,
    Sampling,
    UsageError,
)
from planners import (
    Call,
    GivenPlanner,
    LLMCompiler,
    Node,
    Plan,
    PlanError,
    PlanSyntaxError,
    Reduce,
    Reference,
    SinglePlanner,
    Template,
    Think,
    ToolSpecification,
    plan_grammar,
    planner_named,
)
from planners.compiler.prompts import instructions
from tests.backends import run_virtually
from tests.planners.tools import ADD, MEAN, PICK, TOOLS, VOCABULARY, Recorder, tool

TEXT = '1. add(1, 2)\n2. think("why?")\n3. add($1, 3)\njoin()'
NODES: list[Node] = [
    Call(id="1", tool="add", arguments={"a": 1, "b": 2}),
    Think(id="2", prompt="why?"),
    Call(id="3", tool="add", arguments={"a": Reference(node="1"), "b": 3}),
    Reduce(id="4", inputs=("2", "3"), reducer="synthesise"),
]


ONE_ROUND = LLMCompiler(max_replans=0)


class WithoutGrammars(EngineWrapper):
    """An engine that cannot constrain, such as a chat server."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(self.inner.capabilities, constraints=frozenset())


async def planned(engine: Engine, compiler: LLMCompiler | None = None) -> Recorder:
    sink = Recorder()
    await (compiler or ONE_ROUND).plan("How many?", VOCABULARY, engine, sink)
    return sink


@pytest.mark.anyio
async def test_the_model_s_plan_comes_with_a_reduction_of_its_open_ends() -> None:
    engine = FakeEngine(TEXT, chunk_tokens=5)
    sink = await planned(engine, replace(ONE_ROUND, reducer="majority"))
    assert sink.nodes == [*NODES[:-1], Reduce(id="4", inputs=("2", "3"), reducer="majority")]
    assert engine.aborted == 0


@pytest.mark.anyio
async def test_the_model_writes_under_a_grammar_of_the_tools() -> None:
    engine = FakeEngine(TEXT)
    await planned(engine, replace(ONE_ROUND, min_steps=1, max_steps=3).with_seed(5))
    sampling = engine.calls[0].sampling
    assert isinstance(sampling.constraint, Grammar)
    assert '"add("' in sampling.constraint.rules
    assert "step3 ::=" in sampling.constraint.rules
    assert "step4 ::=" not in sampling.constraint.rules
    assert sampling.seed == Sampling(seed=5).for_branch("plan").seed != 5


@pytest.mark.anyio
async def test_the_prompt_names_tools_and_question_and_is_at_the_path_plan() -> None:
    engine = FakeEngine(TEXT)
    await planned(engine)
    context = engine.calls[0].context
    system, user, assistant = context.turns
    assert context.path == "plan"
    assert all(one.signature in system.text for one in TOOLS.values())
    assert (user.text, assistant.text) == ("Question: How many?", "")


def test_a_node_is_sent_while_the_model_still_writes() -> None:
    # One token a second: a node has to be there the second after its line, not at the end.
    sent: list[tuple[str, float]] = []

    class Clocked(Recorder):
        def node(self, node: Node) -> None:
            sent.append((node.id, anyio.current_time()))

    async def main() -> None:
        engine = FakeEngine(TEXT, seconds_per_token=1, chunk_tokens=1)
        await ONE_ROUND.plan("?", VOCABULARY, engine, Clocked())

    run_virtually(main)
    line_ends = [i for i, character in enumerate(TEXT, start=1) if character == "\n"]
    assert sent == [("1", line_ends[0]), ("2", line_ends[1]), ("3", line_ends[2]), ("4", len(TEXT))]


@pytest.mark.anyio
async def test_the_sink_hears_the_text_before_the_nodes_in_it() -> None:
    engine = FakeEngine(TEXT, chunk_tokens=13)
    sink = await planned(engine)
    assert sink.log == [
        f"text {TEXT[:13]!r}",
        "node 1",
        f"text {TEXT[13:26]!r}",
        f"text {TEXT[26:39]!r}",
        "node 2",
        f"text {TEXT[39:52]!r}",
        "node 3",
        "node 4",
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("text_only", [False, True])
async def test_a_free_model_is_stopped_after_its_join(text_only: bool) -> None:
    inner = FakeEngine(TEXT + "\n1. add(9, 9)\n" * 50, chunk_tokens=4, text_only=text_only)
    sink = await planned(WithoutGrammars(inner))
    assert sink.nodes == NODES
    assert inner.calls[0].sampling.constraint is None
    assert inner.aborted == 1
    assert (await inner.statistics()).generated_tokens <= len(TEXT) + 4


@pytest.mark.anyio
async def test_a_free_model_that_stops_without_a_join_or_a_line_break_loses_no_step() -> None:
    engine = WithoutGrammars(FakeEngine("1. add(1, 2)\n2. add($1, 3)"))
    sink = await planned(engine)
    assert [node.id for node in sink.nodes] == ["1", "2", "3"]
    assert sink.nodes[-1] == Reduce(id="3", inputs=("2",), reducer="synthesise")


@pytest.mark.anyio
async def test_a_plan_cut_by_its_limit_keeps_its_complete_steps() -> None:
    engine = FakeEngine(TEXT)
    sink = await planned(engine, replace(ONE_ROUND, sampling=Sampling(max_tokens=20)))
    assert [node.id for node in sink.nodes] == ["1", "2"]


@pytest.mark.anyio
@pytest.mark.parametrize("chunk_tokens", [1, 7, 1000])
async def test_of_a_free_model_s_plan_only_so_many_steps_are_read(chunk_tokens: int) -> None:
    text = "".join(f"{i}. add(1, 2)\n" for i in range(1, 5)) + "that is all"
    inner = FakeEngine(text, chunk_tokens=chunk_tokens)
    sink = await planned(WithoutGrammars(inner), replace(ONE_ROUND, max_steps=3))
    assert sink.nodes[-1] == Reduce(id="4", inputs=("1", "2", "3"), reducer="synthesise")
    assert len(sink.nodes) == 4


@pytest.mark.anyio
async def test_the_largest_number_of_a_step_leaves_one_for_the_reduction() -> None:
    sink = await planned(FakeEngine("999999999. add(1, 2)\njoin()"))
    assert sink.nodes[-1].id == "1000000000"
    with pytest.raises(PlanSyntaxError, match="expected a step"):
        await planned(FakeEngine("9" * 64 + ". add(1, 2)\njoin()"))


@pytest.mark.anyio
async def test_the_reduction_s_id_follows_the_largest() -> None:
    sink = await planned(FakeEngine("7. add(1, 2)\n3. add(1, 2)\njoin()"))
    assert [node.id for node in sink.nodes] == ["7", "3", "8"]


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", "join()", "Thought: hm\njoin()"])
async def test_no_complete_step_is_an_error_that_says_what_else_to_use(text: str) -> None:
    with pytest.raises(
        PlanError, match="no complete step: use another model, more tokens"
    ) as caught:
        await planned(FakeEngine(text))
    # The model's failure, not a usage that was wrong.
    assert caught.value.exit_code == 1


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["Sure, here is a plan:\n", "1. add(1, 2", "1. sub(1)\njoin()"])
async def test_text_that_is_no_plan_is_a_located_error_and_no_request_is_left(text: str) -> None:
    engine = FakeEngine(text)
    with pytest.raises(PlanSyntaxError, match="plan line 1"):
        await planned(WithoutGrammars(engine))
    assert (await engine.statistics()).running == 0


@pytest.mark.anyio
async def test_a_sink_that_refuses_a_node_ends_the_planning() -> None:
    class Refusing(Recorder):
        def node(self, node: Node) -> None:
            raise PlanError("no")

    engine = FakeEngine(TEXT, chunk_tokens=4)
    with pytest.raises(PlanError, match="no"):
        await LLMCompiler(max_repairs=0).plan("?", VOCABULARY, engine, Refusing())
    assert (engine.aborted, (await engine.statistics()).running) == (1, 0)


@pytest.mark.anyio
async def test_the_next_question_finds_the_instructions_in_the_cache() -> None:
    class Counting(EngineWrapper):
        @asynccontextmanager
        async def stream(
            self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
        ) -> AsyncIterator[AsyncIterator[Chunk]]:
            async with self.inner.stream(context, sampling, delivery) as chunks:
                yield self.counted(chunks)

        async def counted(self, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
            async for chunk in chunks:
                if chunk.finish_reason is not None:
                    cached.append(chunk.usage.cached_tokens)
                yield chunk

    cached: list[int | None] = []
    engine = FakeEngine(TEXT, block_size=16)
    for question in ("What is one?", "Who was two?"):
        await ONE_ROUND.plan(question, VOCABULARY, Counting(engine), Recorder())
    system = len(engine.calls[0].context.lineage[0].token_ids)
    first, second = cached
    assert first == 0
    assert second is not None
    assert second >= system // 16 * 16 > 0


def test_the_instructions_show_each_tool_and_an_example_that_is_a_plan() -> None:
    shown = instructions([ADD, MEAN])
    assert "add(a: number, b: number): Does add." in shown
    assert "mean(values: list of number): Does mean." in shown
    question, _, plan = shown.rpartition("Example:\n")[2].partition("\n")
    assert question.startswith("Question: ")
    engine = FakeEngine(plan)

    async def main() -> Recorder:
        return await planned(engine)

    sink = run_virtually(main)
    assert sink.nodes[0] == Call(id="1", tool="add", arguments={"a": 2, "b": 3})
    assert sink.nodes[2].dependencies == ("1", "2")


def test_the_instructions_name_the_methods_that_thoughts_may_take() -> None:
    shown = instructions([ADD], ["self-consistency", "chain-of-thought"])
    assert 'method="...") thinks by one of these: chain-of-thought, self-consistency.' in shown
    assert "method" not in instructions([ADD])


def test_without_tools_the_instructions_say_so() -> None:
    assert "Tools:\n(none)" in instructions([])


def test_steps_that_may_only_call_are_told_so_and_cannot_think() -> None:
    assert "think" not in instructions([ADD, MEAN], thoughts=False)
    assert "think" not in plan_grammar([ADD], min_steps=1, max_steps=3, thoughts=False)
    # Where there is nothing to call, thinking is all that is left.
    assert "think" in plan_grammar([], min_steps=1, max_steps=3, thoughts=False)


@pytest.mark.anyio
async def test_the_single_planner_thinks_about_the_whole_question_and_asks_no_model() -> None:
    engine, sink = FakeEngine(), Recorder()
    await SinglePlanner().plan("?", VOCABULARY, engine, sink)
    assert sink.nodes == [Think(id="1")]
    assert engine.calls == []


@pytest.mark.anyio
async def test_a_given_plan_is_sent_as_it_is() -> None:
    sink = Recorder()
    await GivenPlanner(given=Plan(nodes=tuple(NODES))).plan("?", VOCABULARY, FakeEngine(), sink)
    assert sink.nodes == NODES


@pytest.mark.anyio
async def test_of_a_given_plan_that_cannot_be_run_no_node_is_sent() -> None:
    plan = Plan(nodes=(Think(id="1"), Call(id="2", tool="sub")))
    sink = Recorder()
    with pytest.raises(PlanError, match="node '2'") as caught:
        await GivenPlanner(given=plan).plan("?", VOCABULARY, FakeEngine(), sink)
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2
    assert sink.nodes == []


def test_planners_have_names() -> None:
    compiler = planner_named("llm-compiler", 7)
    assert isinstance(compiler, LLMCompiler)
    assert compiler.sampling.seed == 7
    assert planner_named("single") == SinglePlanner()
    with pytest.raises(
        UsageError, match=r"no planner 'react': choose from llm-compiler, outline, scale, single$"
    ):
        planner_named("react")


# What planners know of tools.


def test_a_signature_shows_types_and_defaults() -> None:
    assert ADD.signature == "add(a: number, b: number)"
    assert TOOLS["search"].signature == "search(query: string, most: integer = ...)"
    assert MEAN.signature == "mean(values: list of number)"
    assert TOOLS["either"].signature == "either(value: string | null)"
    assert "colour: 'red' | " in PICK.signature
    assert tool("f", "x", x={}).signature == "f(x: any)"
    assert ToolSpecification(name="now").signature == "now()"


def test_an_example_is_a_call_that_can_be_made() -> None:
    assert ADD.example() == "add(2, 3)"
    assert TOOLS["search"].example() == 'search("something")'
    assert MEAN.example() == "mean([2])"
    assert PICK.example() == 'pick("red", true)'
    assert TOOLS["clock.now-utc"].example() == "clock.now-utc()"
    assert tool("f", "x", x={"enum": ["$5 é"]}).example() == 'f("$$5 é")'
    assert tool("f", "x", x={"anyOf": [{"type": "null"}, {}]}).example() == "f(null)"


def test_signatures_and_examples_show_what_is_in_lists_and_objects() -> None:
    both = ToolSpecification(name="f", parameters=POINTS)
    assert both.signature == (
        "f(point: {\"x\": number, \"colour\": 'red' | 'dark'}, pair: [integer, string] = ..., "
        "by: {string: number, ...} = ...)"
    )
    assert both.example() == 'f({"x": 2, "colour": "red"})'
    every = POINTS | {"required": ["point", "pair", "by"]}
    assert ToolSpecification(name="f", parameters=every).example() == (
        'f({"x": 2, "colour": "red"}, [3, "something"], {"something": 4})'
    )


POINTS = {
    "$defs": {
        "Colour": {"enum": ["red", "dark"]},
        "Point": {
            "type": "object",
            "properties": {
                "x": {"type": "number"},
                "note": {"type": "string"},
                "colour": {"$ref": "#/$defs/Colour"},
            },
            "required": ["x", "colour"],
        },
    },
    "type": "object",
    "properties": {
        "point": {"$ref": "#/$defs/Point"},
        "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
        "by": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "required": ["point"],
}


def test_arguments_are_bound_as_python_binds_them() -> None:
    assert ADD.bind([1], {"b": 2}) == {"a": 1, "b": 2}
    assert ADD.bind([], {"b": 2}) == {"b": 2}
    with pytest.raises(ValueError, match="takes 2 arguments, not 3"):
        ADD.bind([1, 2, 3], {})
    with pytest.raises(ValueError, match="'a' is given twice"):
        ADD.bind([1], {"a": 2})


def test_positional_arguments_go_by_the_order_of_the_properties_not_of_required() -> None:
    swapped = tool("f", "b", "a", a={}, b={})
    assert swapped.required == ("a", "b")
    assert swapped.bind([1, 2], {}) == {"a": 1, "b": 2}


@pytest.mark.parametrize("name", ["", "1st", "a b", "a(", "-a"])
def test_a_name_that_no_plan_could_write_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        ToolSpecification(name=name)


def test_a_prompt_of_the_model_may_refer_inside_its_text() -> None:
    async def main() -> Recorder:
        return await planned(FakeEngine('1. add(1, 2)\n2. think("of ${1}")\njoin()'))

    think = run_virtually(main).nodes[1]
    assert think == Think(id="2", prompt=Template(parts=("of ", Reference(node="1"))))
