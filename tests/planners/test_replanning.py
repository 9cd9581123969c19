"""Rounds of LLMCompiler: finish or replan, calls that are not repeated, and a prefix that stays."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from engines import (
    STREAMED,
    BudgetExhausted,
    Chunk,
    Context,
    Delivery,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    ForkjoinError,
    Grammar,
    Sampling,
    UsageError,
)
from planners import (
    Call,
    Conclude,
    Finding,
    LLMCompiler,
    Reduce,
    Reference,
    Template,
    Think,
    plan_grammar,
)
from tests.planners.test_joiner import UNREADABLE, finish, replan
from tests.planners.tools import ADD, TOOLS, VOCABULARY, Recorder

pytestmark = pytest.mark.anyio

FIRST = "1. add(1, 2)\n2. search('trains')\njoin()"
SECOND = "3. add($1, 4)\njoin()"
JOINER, REPLAN = "plan/joiner-1", "plan/joiner-1/replan-1"
SUM = Finding(status="ok", text="3", data=3)
LATE = Finding(status="failed", reason="search failed: no luck")


@dataclass
class Looking(Recorder):
    """A sink whose nodes have ended in a known way."""

    results: Mapping[str, Finding] = field(default_factory=dict)
    waited: list[tuple[str, ...]] = field(default_factory=list)

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        names = tuple(nodes)
        self.waited.append(names)
        ok = Finding(status="ok", text="fine", data="fine")
        return {name: self.results.get(name, ok) for name in names}

    @property
    def remarks(self) -> list[str]:
        return [entry.removeprefix("remark ") for entry in self.log if entry.startswith("remark")]


Replies = Mapping[str, str | ForkjoinError]


def scripted(replies: Replies, *, text_only: bool = False, chunk_tokens: int = 16) -> FakeEngine:
    """Answers by path; a call that is not there is a mistake."""

    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        return replies[context.path]

    return FakeEngine(script, text_only=text_only, chunk_tokens=chunk_tokens)


async def planned(
    engine: FakeEngine | EngineWrapper,
    results: Mapping[str, Finding] | None = None,
    compiler: LLMCompiler | None = None,
) -> Looking:
    sink = Looking(results=results or {})
    await (compiler or LLMCompiler()).plan("How many?", VOCABULARY, engine, sink)
    return sink


def paths(engine: FakeEngine) -> list[str]:
    return [call.context.path for call in engine.calls]


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_joiner_that_finishes_writes_the_answer(text_only: bool) -> None:
    engine = scripted({"plan": FIRST, JOINER: finish("It is 3.")}, text_only=text_only)
    sink = await planned(engine)
    assert sink.nodes[-1] == Conclude(id="3", text="It is 3.", inputs=("1", "2"))
    assert sink.waited == [("1", "2")]
    assert paths(engine) == ["plan", JOINER]
    assert sink.remarks == []


async def test_a_joiner_that_replans_gets_further_steps_which_go_on_from_the_first() -> None:
    engine = scripted({"plan": FIRST, JOINER: replan("the sum"), REPLAN: SECOND})
    sink = await planned(engine)
    assert sink.nodes[2:] == [
        Call(id="3", tool="add", arguments={"a": Reference(node="1"), "b": 4}),
        Reduce(id="4", inputs=("2", "3"), reducer="synthesise"),
    ]
    (second,) = [call for call in engine.calls if call.context.path == REPLAN]
    assert "numbered from 3" in second.context.turns[-2].text


async def test_the_last_round_answers_and_says_so() -> None:
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: SECOND})
    (remark,) = (await planned(engine)).remarks
    assert remark.startswith("replans_exhausted: ")


async def test_without_replans_nobody_joins_and_the_reducer_has_the_last_word_b19() -> None:
    engine = scripted({"plan": FIRST})
    compiler = LLMCompiler(max_replans=0, reducer="majority")
    for _ in range(2):
        sink = await planned(engine, compiler=compiler)
        assert sink.nodes[-1] == Reduce(id="3", inputs=("1", "2"), reducer="majority")
        assert (sink.waited, sink.remarks) == ([], [])


async def test_every_round_but_the_last_has_a_joiner_that_sees_what_is_new() -> None:
    again = f"{REPLAN}/joiner-2"
    engine = scripted(
        {"plan": FIRST, JOINER: replan("more"), REPLAN: SECOND, again: finish("seven")}
    )
    sink = await planned(engine, {"3": Finding(status="ok", text="7")}, LLMCompiler(max_replans=2))
    assert sink.nodes[-1] == Conclude(id="4", text="seven", inputs=("2", "3"))
    assert sink.waited == [("1", "2"), ("3",)]
    shown = engine.calls[-1].context.turns[-2].text
    assert "$3: 7" in shown
    assert "$1:" not in shown
    assert sink.remarks == []


async def test_a_step_that_failed_is_shown_and_may_be_tried_again_b12() -> None:
    second = "3. search('trains')\njoin()"
    engine = scripted({"plan": FIRST, JOINER: replan("the trains"), REPLAN: second})
    sink = await planned(engine, {"2": LATE})
    assert "$2: no result, failed: search failed: no luck" in engine.calls[1].context.turns[-2].text
    assert sink.nodes[2] == Call(id="3", tool="search", arguments={"query": "trains"})


# Calls that have a result


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("3. add(1, 2)", id="the same"),
        pytest.param("3. add(b=2.0, a=1)", id="written otherwise"),
        pytest.param("3. add(1, $2)", id="with a result in it"),
        pytest.param("3. add(1, $2.value)", id="with a field of a result in it"),
    ],
)
async def test_a_call_that_has_a_result_is_not_made_again(line: str) -> None:
    two = {"value": 2} if ".value" in line else 2
    second = f'{line}\n4. add($3, 1)\n5. think("of ${{3}}")\njoin()'
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: second})
    sink = await planned(engine, {"1": SUM, "2": Finding(status="ok", text="2", data=two)})
    assert sink.nodes[2:] == [
        Call(id="4", tool="add", arguments={"a": Reference(node="1"), "b": 1}),
        Think(id="5", prompt=Template(parts=("of ", Reference(node="1")))),
        Reduce(id="6", inputs=("2", "4", "5"), reducer="synthesise"),
    ]


@pytest.mark.parametrize(
    ("pure", "repeatable", "again"),
    [(False, True, True), (False, False, False), (True, True, False)],
)
async def test_what_may_give_something_else_by_now_is_asked_again_where_that_changes_nothing(
    pure: bool, repeatable: bool, again: bool
) -> None:
    add = ADD.model_copy(update={"pure": pure, "repeatable": repeatable})
    vocabulary = replace(VOCABULARY, tools={**TOOLS, "add": add})
    second = "3. add(1, 2)\n4. add($3, 1)\njoin()"
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: second})
    sink = Looking(results={"1": SUM})
    await LLMCompiler().plan("How many?", vocabulary, engine, sink)
    calls = [node.id for node in sink.nodes if isinstance(node, Call)]
    assert calls == (["1", "2", "3", "4"] if again else ["1", "2", "4"])


async def test_a_plan_leaves_room_for_its_last_node() -> None:
    for most, calls in ((3, 2), (4, 3), (5, 4)):
        vocabulary = replace(VOCABULARY, max_nodes=most)
        first = "".join(f"{number}. search('{number}')\n" for number in range(1, 5)) + "join()"
        engine = scripted({"plan": first, JOINER: replan("more")})
        sink = Looking()
        await LLMCompiler(max_steps=12).plan("How many?", vocabulary, engine, sink)
        assert [node.kind for node in sink.nodes] == ["call"] * calls + ["reduce"]
        assert sink.remarks == [f"no further steps were planned: a plan has {calls} at most"]


@pytest.mark.parametrize(
    "line", ["3. add(1, 3)", "3. search('1')", '3. add(1, "2")', "3. add(1, true)"]
)
async def test_a_call_that_asks_for_something_else_is_made(line: str) -> None:
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: f"{line}\njoin()"})
    sink = await planned(engine, {"2": LATE}, LLMCompiler(max_repairs=0))
    assert [node.id for node in sink.nodes] == ["1", "2", "3", "4"]


async def test_a_step_that_refers_to_one_without_a_result_is_mended() -> None:
    second = {REPLAN: "3. add(1, $2)\njoin()", f"{REPLAN}/repair-1": "3. add($1, 4)\njoin()"}
    engine = scripted({"plan": FIRST, JOINER: replan("more"), **second}, text_only=True)
    sink = await planned(engine, {"2": LATE})
    assert sink.nodes[2] == Call(id="3", tool="add", arguments={"a": Reference(node="1"), "b": 4})
    told = engine.calls[-1].context.turns[-2].text
    assert "node '3': refers to node '2', which has no result" in told


async def test_a_further_round_without_a_step_is_the_last() -> None:
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: "join()"})
    sink = await planned(engine, compiler=LLMCompiler(max_replans=5))
    assert sink.nodes[-1] == Reduce(id="3", inputs=("1", "2"), reducer="synthesise")
    assert paths(engine) == ["plan", JOINER, REPLAN]
    assert sink.remarks == ["replan 1 of 5 planned no further step"]


@pytest.mark.parametrize(
    "options", [{"max_steps": 0}, {"min_steps": -1}, {"max_replans": -1}, {"max_repairs": -1}]
)
async def test_what_could_not_plan_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"LLMCompiler with m.*: at least . is needed"):
        LLMCompiler(**options)  # type: ignore[arg-type]  # each is of its option's type


async def test_a_round_of_nothing_new_is_told_and_ends() -> None:
    again = f"{REPLAN}/joiner-2"
    engine = scripted(
        {
            "plan": FIRST,
            JOINER: replan("more"),
            REPLAN: "3. add(1, 2)\n4. add(1, 2)\njoin()",
            again: finish("3"),
        }
    )
    sink = await planned(engine, {"1": SUM}, LLMCompiler(max_replans=2))
    assert sink.nodes[2:] == [Conclude(id="5", text="3", inputs=("1", "2"))]
    assert "$3: the same as $1\n$4: the same as $1\n" in engine.calls[-1].context.turns[-2].text


async def test_an_id_of_a_step_that_was_not_made_again_is_taken_b13() -> None:
    second = "3. add(1, 2)\n3. search('x')\njoin()"
    repaired = f"{REPLAN}/repair-1"
    engine = scripted(
        {"plan": FIRST, JOINER: replan("more"), REPLAN: second, repaired: "4. search('x')\njoin()"}
    )
    sink = await planned(engine, {"1": SUM})
    assert [node.id for node in sink.nodes] == ["1", "2", "4", "5"]


async def test_a_step_that_was_not_made_again_may_be_said_again() -> None:
    second = "3. add(1, 2)\n4. sub(1)\njoin()"
    repaired = "3. add(1, 2)\n4. search('x')\njoin()"
    engine = scripted(
        {"plan": FIRST, JOINER: replan("more"), REPLAN: second, f"{REPLAN}/repair-1": repaired}
    )
    sink = await planned(engine, {"1": SUM})
    assert [node.id for node in sink.nodes] == ["1", "2", "4", "5"]


async def test_a_call_that_has_a_result_is_no_guess() -> None:
    second = "3. search('trains')\n4. search('planes')\njoin()"
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: second}, chunk_tokens=1)
    sink = await planned(engine, compiler=LLMCompiler(speculate=True))
    guesses = [entry for entry in sink.log if entry.startswith("guess")]
    assert guesses == ["guess 1", "guess 2", "guess 4"]


# What goes wrong after the first round


@pytest.mark.parametrize(
    ("replies", "remark"),
    [
        pytest.param(
            {JOINER: BudgetExhausted("tokens", 9, 9, "joiner")},
            "the results were merged without being judged: budget exhausted",
            id="no budget for the joiner",
        ),
        pytest.param(
            {JOINER: EngineUnavailable("gone")},
            "the results were merged without being judged: gone",
            id="no engine for the joiner",
        ),
        pytest.param(
            {JOINER: replan("more"), REPLAN: BudgetExhausted("tokens", 9, 9, "plan")},
            "no further steps were planned: budget exhausted",
            id="no budget for the second round",
        ),
        pytest.param(
            {JOINER: replan("more"), REPLAN: EngineUnavailable("gone")},
            "no further steps were planned: gone",
            id="no engine for the second round",
        ),
        pytest.param(
            {JOINER: replan("more"), REPLAN: "I would rather not."},
            "no further steps were planned: plan line 1: ",
            id="no plan in the second round",
        ),
        pytest.param(
            {JOINER: replan("more"), REPLAN: "join()"}, "replans_exhausted: ", id="no step"
        ),
    ],
)
async def test_what_there_is_gives_the_answer_where_planning_cannot_go_on(
    replies: Replies, remark: str
) -> None:
    engine = scripted({"plan": FIRST, **replies})
    sink = await planned(engine, compiler=LLMCompiler(max_repairs=0))
    assert sink.nodes[-1] == Reduce(id="3", inputs=("1", "2"), reducer="synthesise")
    (said,) = sink.remarks
    assert said.startswith(remark)


async def test_a_joiner_that_says_nothing_of_use_is_asked_again_and_then_done_without_b18() -> None:
    engine = FakeEngine([FIRST, UNREADABLE, UNREADABLE], text_only=True)
    sink = await planned(engine, compiler=LLMCompiler(max_repairs=1))
    assert isinstance(sink.nodes[-1], Reduce)
    (remark,) = sink.remarks
    assert remark.startswith("the results were merged without being judged: ")


# What is the same in all rounds


class Counting(EngineWrapper):
    """Notes what each call found in the cache."""

    def __init__(self, inner: FakeEngine) -> None:
        super().__init__(inner)
        self.cached: dict[str, int] = {}

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(self._counted(context.path, chunks)) as counted,
        ):
            yield counted

    async def _counted(self, path: str, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        async for chunk in chunks:
            self.cached[path] = chunk.usage.cached_tokens or 0
            yield chunk


@pytest.mark.parametrize("text_only", [False, True])
async def test_every_further_call_finds_the_first_prompt_in_the_cache(text_only: bool) -> None:
    bad = f"{FIRST.removesuffix('join()')}3. sub(1)\n"
    inner = scripted(
        {
            "plan": bad,
            "plan/repair-1": "join()",
            "plan/repair-1/joiner-1": replan("more"),
            "plan/repair-1/joiner-1/replan-1": SECOND,
        },
        text_only=text_only,
    )
    engine = Counting(inner)
    await planned(engine)
    if text_only:
        first = len("".join(turn.text for turn in inner.calls[0].context.turns))
    else:
        first = len(inner.calls[0].context.token_ids)
    assert engine.cached.pop("plan") == 0
    assert len(engine.cached) == 3
    assert min(engine.cached.values()) >= first // 16 * 16 > 0


async def test_the_second_round_has_all_of_the_first_in_its_prompt() -> None:
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: SECOND})
    await planned(engine)
    first, joiner, second = (call.context.token_ids for call in engine.calls)
    assert joiner[: len(first)] == first
    assert second[: len(joiner)] == joiner
    assert second[len(joiner) :][: len(replan("more"))] == tuple(map(ord, replan("more")))


async def test_every_call_has_a_path_and_a_seed_of_its_own() -> None:
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: SECOND})
    await planned(engine, compiler=LLMCompiler().with_seed(5))
    seeds = {call.sampling.seed for call in engine.calls}
    assert len(seeds) == len(set(paths(engine))) == 3
    assert None not in seeds


async def test_the_grammar_of_a_further_round_begins_with_its_first_step() -> None:
    engine = scripted({"plan": FIRST, JOINER: replan("more"), REPLAN: SECOND})
    await planned(engine, {"2": LATE}, LLMCompiler(max_steps=4))
    # All of its steps may refer to what the first round found, and to nothing that failed.
    rules = plan_grammar(TOOLS.values(), min_steps=0, max_steps=6, first_step=3, known=[1])
    assert engine.calls[-1].sampling.constraint == Grammar(rules=rules)


@pytest.mark.parametrize("text_only", [False, True])
async def test_the_tokens_are_the_engine_s_own_whatever_was_asked_b20(text_only: bool) -> None:
    bad = "1. sub(1)\n"
    engine = FakeEngine(
        [bad, FIRST, replan("more"), f"{SECOND}\nand so on", "x"], text_only=text_only
    )
    sink = Looking()
    tokens = await LLMCompiler().plan("How many?", VOCABULARY, engine, sink)
    assert tokens == (await engine.statistics()).generated_tokens > 0


def test_more_steps_at_least_than_at_most_are_refused() -> None:
    with pytest.raises(UsageError, match="min_steps=9 and max_steps=2"):
        LLMCompiler(min_steps=9, max_steps=2)
