"""Plans that are wrong in places: what stands stays, the model is told, and all of it is bounded."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Engine, FakeEngine, Grammar, Sampling
from planners import (
    Call,
    LLMCompiler,
    Node,
    PlanChecker,
    PlanError,
    PlanSyntaxError,
    Reduce,
    Reference,
    plan_grammar,
)
from tests.backends import run_virtually
from tests.planners.test_planners import WithoutGrammars
from tests.planners.tools import TOOLS, VOCABULARY, Recorder

pytestmark = pytest.mark.anyio

GOOD = "1. add(1, 2)\n"
REST = "2. add($1, 3)\njoin()"
NODES: list[Node] = [
    Call(id="1", tool="add", arguments={"a": 1, "b": 2}),
    Call(id="2", tool="add", arguments={"a": Reference(node="1"), "b": 3}),
    Reduce(id="3", inputs=("2",), reducer="synthesise"),
]
ONE_ROUND = LLMCompiler(max_replans=0)


class Checking(Recorder):
    """A sink that refuses what a run would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self._checker = PlanChecker(VOCABULARY)

    def node(self, node: Node) -> None:
        self._checker.check(node)
        super().node(node)


async def planned(engine: Engine, compiler: LLMCompiler = ONE_ROUND) -> Checking:
    sink = Checking()
    await compiler.plan("How many?", VOCABULARY, engine, sink)
    return sink


WRONG = [
    pytest.param("2. add(1, 2\n3. add($2, 1)\njoin()", "2. add(1, 2", "closed", id="no bracket b3"),
    pytest.param("2. add($9, 2)\njoin()", "2. add($9, 2)", "node '9'", id="no such step b11"),
    pytest.param("2. sub(1)\njoin()", "2. sub(1)", "no tool 'sub'", id="no such tool b7"),
    pytest.param("1. add(3, 4)\njoin()", "1. add(3, 4)", "has this id already", id="id twice b13"),
    pytest.param("2. add(1)\njoin()", "2. add(1)", "needs the argument 'b'", id="argument"),
    pytest.param('2. add(1, "x")\njoin()', '2. add(1, "x")', "not of type", id="type"),
    pytest.param("Then add them.\n", "Then add them.", "expected a step", id="prose"),
]


@pytest.mark.parametrize(("wrong", "line", "problem"), WRONG)
@pytest.mark.parametrize("chunk_tokens", [1, 1000])
@pytest.mark.parametrize("free", [False, True])
async def test_a_line_that_is_wrong_is_mended_and_what_stands_stays(
    wrong: str, line: str, problem: str, chunk_tokens: int, free: bool
) -> None:
    engine = FakeEngine([GOOD + wrong, REST], chunk_tokens=chunk_tokens)
    sink = await planned(WithoutGrammars(engine) if free else engine)
    assert sink.nodes == NODES
    first, second = engine.calls
    assert second.context.path == "plan/repair-1"
    asked = second.context.turns[-2]
    assert asked.role == "user"
    assert line.split("(")[0] in asked.text
    assert problem in asked.text
    assert "Go on with step 2" in asked.text
    said = second.context.turns[-3].text
    assert (GOOD + wrong).startswith(said)
    assert said.startswith(GOOD)
    assert second.context.token_ids[: len(first.context.token_ids)] == first.context.token_ids


async def test_a_plan_that_has_begun_runs_on_while_it_is_mended() -> None:
    engine = FakeEngine([GOOD + "2. sub(1)\n", REST])
    log = (await planned(engine)).log
    (told,) = [i for i, entry in enumerate(log) if entry.startswith("text '2. add")]
    assert log.index("node 1") < told < log.index("node 2")


async def test_the_grammar_of_a_repair_begins_with_the_next_step() -> None:
    # A grammar knows no `minimum`.
    engine = FakeEngine([GOOD + '2. search("x", 0)\n', REST])
    sink = await planned(engine)
    assert sink.nodes == NODES
    assert engine.calls[1].sampling.constraint == Grammar(
        rules=plan_grammar(TOOLS.values(), min_steps=1, max_steps=12, first_step=2)
    )


async def test_a_thought_comes_before_the_plan_and_in_no_other_place() -> None:
    thought = "Thought: 1 and 2, then (3.\n"
    wrong = GOOD + "2. sub(1)\n"
    engine = FakeEngine([thought + wrong, REST])
    assert (await planned(engine)).nodes == NODES
    first, second = (call.sampling.constraint for call in engine.calls)
    rules = partial(plan_grammar, TOOLS.values(), min_steps=1, max_steps=12)
    assert first == Grammar(rules=rules(preface=True))
    assert second == Grammar(rules=rules(first_step=2))


async def test_a_model_that_begins_anew_when_it_should_go_on_says_the_same_steps() -> None:
    engine = FakeEngine([GOOD + "2. sub(1)\n", GOOD + REST])
    assert (await planned(engine)).nodes == NODES


async def test_a_repair_may_write_as_many_steps_as_are_left() -> None:
    steps = "".join(f"{i}. add(1, {i})\n" for i in range(2, 9))
    engine = FakeEngine([GOOD + "2. sub(1)\n", GOOD + steps])
    sink = await planned(engine, LLMCompiler(max_replans=0, max_steps=3))
    assert [node.id for node in sink.nodes] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("max_repairs", [0, 1, 3])
async def test_a_plan_is_mended_so_many_times_only(max_repairs: int) -> None:
    engine = FakeEngine("1. sub(1)\n")
    with pytest.raises(PlanSyntaxError, match="plan line 1: there is no tool 'sub'"):
        await planned(engine, LLMCompiler(max_replans=0, max_repairs=max_repairs))
    assert len(engine.calls) == 1 + max_repairs
    assert len({call.context.path for call in engine.calls}) == len(engine.calls)


async def test_what_the_model_is_told_of_a_problem_is_short() -> None:
    engine = FakeEngine([f'1. sub("{"x" * 100_000}")\n', GOOD + REST])
    await planned(engine, LLMCompiler(sampling=Sampling(max_tokens=200_000), max_replans=0))
    assert len(engine.calls[1].context.turns[-2].text) < 1200


@given(st.integers(1, 60), st.sampled_from(WRONG), st.booleans())
def test_any_chunking_gives_the_same_nodes_in_repairs_too(
    size: int, wrong: object, free: bool
) -> None:
    async def main() -> list[Node]:
        text = wrong.values[0]  # type: ignore[attr-defined]  # pytest's type is private
        engine = FakeEngine([GOOD + text, REST], chunk_tokens=size)
        return (await planned(WithoutGrammars(engine) if free else engine)).nodes

    assert run_virtually(main) == NODES


# Models that do not come to an end


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("", "no complete step", id="nothing"),
        pytest.param("join()", "no complete step", id="an empty plan"),
        pytest.param("Thought: hm\n" * 1000, "no complete step", id="thoughts for ever"),
        pytest.param("hm " * 1000, "no complete step", id="one line for ever"),
        pytest.param("1. add(1, 2)\n1. add(2, 1)\n" * 1000, "has this id", id="one id for ever"),
        pytest.param('1. think("' + "so " * 1000, "no complete step", id="one text for ever"),
    ],
)
@pytest.mark.parametrize("text_only", [False, True])
async def test_a_model_that_writes_no_plan_is_an_error_after_a_bounded_number_of_tokens(
    text: str, error: str, text_only: bool
) -> None:
    engine = FakeEngine(text, text_only=text_only)
    compiler = LLMCompiler(sampling=Sampling(max_tokens=100))
    with pytest.raises(PlanError, match=error):
        await planned(engine, compiler)
    statistics = await engine.statistics()
    assert statistics.running == 0
    assert statistics.generated_tokens <= 300
    assert len(engine.calls) == 3


@pytest.mark.parametrize("free", [False, True])
async def test_the_same_action_for_ever_ends_at_the_most_steps(free: bool) -> None:
    engine = FakeEngine("".join(f"{i}. add(1, 2)\n" for i in range(1, 40)), chunk_tokens=5)
    sink = await planned(WithoutGrammars(engine) if free else engine)
    assert [node.id for node in sink.nodes] == [str(number) for number in range(1, 14)]


async def test_the_same_line_for_ever_is_one_step() -> None:
    engine = WithoutGrammars(FakeEngine(GOOD * 1000))
    sink = await planned(engine)
    assert sink.nodes == [NODES[0], Reduce(id="2", inputs=("1",), reducer="synthesise")]
    assert sink.log[-2].startswith("remark the plan was cut after 768 tokens")


# How plans come


@pytest.mark.parametrize("chunk_tokens", [1, 1000])
async def test_a_plan_of_a_text_only_engine_is_read_however_it_comes_b15(chunk_tokens: int) -> None:
    engine = FakeEngine(GOOD + REST, text_only=True, chunk_tokens=chunk_tokens)
    assert (await planned(engine)).nodes == NODES


async def test_steps_may_be_numbered_with_gaps_b11() -> None:
    engine = WithoutGrammars(FakeEngine("1. add(1, 2)\n3. add($1, 3)\n7. add($3, 1)\njoin()"))
    sink = await planned(engine)
    assert [node.id for node in sink.nodes] == ["1", "3", "7", "8"]
    assert sink.nodes[-1].dependencies == ("7",)


@pytest.mark.parametrize("speculate", [False, True])
async def test_a_call_that_is_all_but_written_may_be_told(speculate: bool) -> None:
    engine = FakeEngine('1. search("x")\n2. search("$1")\njoin()', chunk_tokens=1)
    log = (await planned(engine, LLMCompiler(max_replans=0, speculate=speculate))).log
    guesses = [entry for entry in log if "guess" in entry or entry.startswith("node")]
    if speculate:
        assert guesses[:2] == ["guess 1", "node 1"]
        assert "guess 2" in guesses
    else:
        assert guesses == ["node 1", "node 2", "node 3"]
