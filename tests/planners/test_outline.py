from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    Engine,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    JsonSchema,
    Sampling,
    UsageError,
)
from planners import Node, PlanChecker, PlanError, Reduce, Think, Vocabulary
from planners.goal import Goal, Part, labels, read_goal
from planners.outline import Outline
from tests import backends
from tests.backends import run_virtually
from tests.planners.outlines import VOCABULARY
from tests.planners.tools import Recorder

anyio_backend = backends.virtual_backend

Reply = str | ForkjoinError


def outline(*tasks: str, goal: str = "Know.", may_split: bool = True) -> str:
    """The JSON of a goal; a task that ends in `!` is to be split."""
    items = [
        {"task": task.rstrip("!"), **({"split": task.endswith("!")} if may_split else {})}
        for task in tasks
    ]
    return json.dumps({"goal": goal, "outlines": items})


async def planned(
    engine: Engine, planner: Outline | None = None, vocabulary: Vocabulary = VOCABULARY
) -> tuple[Sequence[Node], Recorder, int]:
    sink = Recorder()
    path = await (planner or Outline()).plan("Why?", vocabulary, engine, sink)
    checker = PlanChecker(vocabulary)
    for node in sink.nodes:
        checker.check(node)
    return sink.nodes, sink, path


def by_path(replies: Mapping[str, Reply], latency: float = 0) -> FakeEngine:
    return FakeEngine(lambda context, sampling: replies[context.path], latency=latency)


def remarks(sink: Recorder) -> list[str]:
    return [line for line in sink.log if line.startswith("remark")]


@pytest.mark.anyio
async def test_each_part_gets_a_thread_and_all_are_merged_in_their_order() -> None:
    engine = FakeEngine(outline("Add.", "Divide."))
    nodes, sink, path = await planned(engine)
    listed = "Goal: Know.\n1. Add.\n2. Divide.\n\n"
    assert nodes == [
        Think(id="1", prompt=f"{listed}Work on part 1 only: Add."),
        Think(id="2", prompt=f"{listed}Work on part 2 only: Divide."),
        Reduce(id="3", inputs=("1", "2"), reducer="synthesise"),
    ]
    assert sink.log[0] == f"text {listed!r}"
    assert remarks(sink) == []
    assert path == len(outline("Add.", "Divide."))
    (call,) = engine.calls
    assert isinstance(call.sampling.constraint, JsonSchema)


@pytest.mark.anyio
async def test_a_part_may_be_split_again_and_is_named_by_what_merges_it() -> None:
    replies = {
        "outline": outline("A", "B!", "C"),
        "outline/part-2": outline("D", "E", goal="Both.", may_split=False),
    }
    nodes, _, path = await planned(by_path(replies))
    assert [node.id for node in nodes] == ["1", "3", "2.1", "2.2", "2", "4"]
    assert nodes[5] == Reduce(id="4", inputs=("1", "2", "3"), reducer="synthesise")
    common = "Goal: Know.\n1. A\n2. B\n3. C\n\nGoal of part 2: Both.\n2.1 D\n2.2 E\n\n"
    assert nodes[2] == Think(id="2.1", prompt=f"{common}Work on part 2.1 only: D")
    # What merges a part is told of the part, after the same beginning as its threads.
    assert nodes[4] == Reduce(
        id="2",
        inputs=("2.1", "2.2"),
        reducer="synthesise",
        prompt=f"{common}Conclude part 2 only: B",
    )
    assert path == sum(map(len, replies.values()))


@pytest.mark.anyio
async def test_a_nested_outline_goes_on_with_the_conversation() -> None:
    engine = FakeEngine([outline("A!", "B"), outline("C", "D", may_split=False)])
    await planned(engine, Outline().with_seed(3))
    first, second = (call.context for call in engine.calls)
    assert second.turns[1].text == outline("A!", "B")
    assert second.turns[2].text.startswith("Now split part 1 in the same way")
    assert second.token_ids[: len(first.token_ids)] == first.token_ids
    assert engine.calls[0].sampling.seed != engine.calls[1].sampling.seed


def test_parts_are_split_at_the_same_time_and_threads_are_sent_as_soon_as_they_are_known() -> None:
    sent: dict[str, float] = {}

    class Clocked(Recorder):
        def node(self, node: Node) -> None:
            sent[node.id] = anyio.current_time()

    replies: dict[str, str] = {"outline": outline("A!", "B", "C!")}
    replies["outline/part-1"] = outline("D", "E", may_split=False)
    replies["outline/part-3"] = outline("F" * 40, "G", may_split=False)

    async def main() -> None:
        engine = FakeEngine(lambda context, _: replies[context.path], seconds_per_token=1)
        await Outline().plan("Why?", VOCABULARY, engine, Clocked())

    run_virtually(main)
    known = {name: len(reply) for name, reply in replies.items()}
    first = known["outline"]
    short, long = first + known["outline/part-1"], first + known["outline/part-3"]
    assert sent == {
        "2": first,
        **dict.fromkeys(("1.1", "1.2", "1"), short),
        **dict.fromkeys(("3.1", "3.2", "3", "4"), long),
    }


@pytest.mark.anyio
async def test_the_critical_path_is_the_longest_of_the_parts() -> None:
    replies = {
        "outline": outline("A!", "B!"),
        "outline/part-1": outline("C" * 30, "D", may_split=False),
        "outline/part-2": outline("E", "F", may_split=False),
    }
    _, _, path = await planned(by_path(replies))
    assert path == len(replies["outline"]) + len(replies["outline/part-1"])


@pytest.mark.anyio
@pytest.mark.parametrize("depth", [1, 2, 3])
async def test_parts_are_split_to_a_depth_and_no_further(depth: int) -> None:
    def said(context: Context, sampling: Sampling) -> str:
        constraint = sampling.constraint
        assert isinstance(constraint, JsonSchema)
        may_split = '"split"' in json.dumps(constraint.definition)
        return outline("A!", "B!", may_split=may_split)

    engine = FakeEngine(said)
    nodes, _, _ = await planned(engine, Outline(max_depth=depth))
    threads = [node.id for node in nodes if isinstance(node, Think)]
    assert len(threads) == 2**depth
    assert {thread.count(".") for thread in threads} == {depth - 1}
    assert len(engine.calls) == 2**depth - 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "said",
    [outline(), outline("Add."), outline(" ", "Add."), outline("Add.", "add", "  ADD!!")],
)
async def test_no_part_or_one_is_one_thread_on_the_question(said: str) -> None:
    nodes, sink, _ = await planned(FakeEngine(said), Outline(method="self-consistency"))
    assert nodes == [Think(id="1", method="self-consistency")]
    assert remarks(sink) == []


@pytest.mark.anyio
async def test_parts_that_are_there_already_get_no_thread_of_their_own() -> None:
    nodes, _, _ = await planned(FakeEngine(outline("Add.", " add ", "Divide.")))
    assert [node.id for node in nodes] == ["1", "2", "3"]


@pytest.mark.anyio
@pytest.mark.parametrize("nested", [outline("C", may_split=False), EngineUnavailable("gone")])
async def test_a_part_that_cannot_be_split_gets_a_thread(nested: Reply) -> None:
    engine = by_path({"outline": outline("A!", "B"), "outline/part-1": nested})
    nodes, sink, _ = await planned(engine)
    assert [node.id for node in nodes] == ["2", "1", "3"]
    assert remarks(sink) == (
        ["remark part 1 is not split: gone"] if isinstance(nested, Exception) else []
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("", 3),
        ("I think so.", 3),
        ("{" * 500, 3),
        ('{"goal": "' + "a" * 5000, 3),
        (EngineUnavailable("gone"), 1),
    ],
)
async def test_without_an_outline_one_thread_answers_and_the_tries_are_bounded(
    said: Reply, asked: int
) -> None:
    engine = FakeEngine(lambda context, sampling: said, text_only=True)
    nodes, sink, _ = await planned(engine)
    assert nodes == [Think(id="1")]
    assert len(engine.calls) == asked
    (remark,) = remarks(sink)
    assert remark.startswith("remark one thread answers, since no outline can be used: ")


@pytest.mark.anyio
async def test_it_works_on_text_alone() -> None:
    replies = [f"So:\n```json\n{outline('A!', 'B')}\n```", outline("C", "D", may_split=False)]
    nodes, _, _ = await planned(FakeEngine(replies, text_only=True))
    assert [node.id for node in nodes] == ["2", "1.1", "1.2", "1", "3"]


@pytest.mark.anyio
async def test_a_free_model_that_wants_to_split_for_ever_is_not_asked() -> None:
    engine = FakeEngine(outline("A!", "B!"), text_only=True)
    nodes, _, _ = await planned(engine)
    assert len(engine.calls) == 3
    assert len(nodes) == 7


@given(
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(1, 4),
    st.lists(st.integers(0, 6), min_size=1, max_size=9),
)
def test_a_plan_can_be_run_and_keeps_to_every_limit(
    max_nodes: int, most: int, depth: int, sizes: list[int]
) -> None:
    # Whatever it is asked for, the model wants as many parts as it may have, and all of them split.
    def said(context: Context, sampling: Sampling) -> str:
        constraint = sampling.constraint
        assert isinstance(constraint, JsonSchema)
        shape = json.dumps(constraint.definition)
        allowed = json.loads(shape)["properties"]["outlines"]["maxItems"]
        size = min(allowed, sizes[len(context.path) % len(sizes)])
        tasks = [f"{number}!" for number in range(size)]
        return outline(*tasks, may_split='"split"' in shape)

    vocabulary = replace(VOCABULARY, max_nodes=max_nodes)

    async def main() -> Sequence[Node]:
        planner = Outline(most=most, max_depth=depth)
        return (await planned(FakeEngine(said), planner, vocabulary))[0]

    nodes = run_virtually(main)
    assert 1 <= len(nodes) <= max_nodes
    for node in nodes:
        if isinstance(node, Reduce):
            assert 2 <= len(node.inputs) <= most
        assert node.id.count(".") < depth
    # Every node is merged into another, but for the answer.
    used = [one for node in nodes for one in node.dependencies]
    assert sorted(used) == sorted(node.id for node in nodes[:-1])


@pytest.mark.anyio
async def test_names_that_no_node_may_have_are_refused_before_anything_is_spent() -> None:
    for planner in (Outline(method="deep"), Outline(reducer="best")):
        engine = FakeEngine(outline("A", "B"))
        with pytest.raises(PlanError, match="there is no"):
            await planned(engine, planner)
        assert engine.calls == []


@pytest.mark.anyio
async def test_a_sink_that_refuses_a_nested_node_ends_the_planning_with_its_error() -> None:
    class Refusing(Recorder):
        def node(self, node: Node) -> None:
            if node.id == "1.2":
                raise PlanError("no")

    engine = FakeEngine([outline("A!", "B"), outline("C", "D", may_split=False)])
    with pytest.raises(PlanError, match=r"^no$"):
        await Outline().plan("Why?", VOCABULARY, engine, Refusing())
    assert (await engine.statistics()).running == 0


@pytest.mark.parametrize("options", [{"most": 0}, {"max_depth": 0}, {"attempts": 0}])
def test_what_could_not_plan_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1 is needed"):
        Outline(**options)  # type: ignore[arg-type]  # each is of its option's type


def test_blank_parts_and_line_breaks_are_left_out() -> None:
    data = {"goal": "To\nknow.", "outlines": [{"task": " a\n b "}, {"task": "\n"}]}
    assert read_goal(data) == Goal(text="To know.", parts=(Part(task="a b"),))
    assert labels("ab", "2.1") == ["2.1.1", "2.1.2"]
