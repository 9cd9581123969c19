from __future__ import annotations

from dataclasses import replace

import pytest

from engines import EngineError, FakeEngine, Outcome, join_in_waves
from engines.context import Context, Segment
from reasoning.answer import Answer
from reasoning.searching.growth import Growth, key_of, place_of
from reasoning.searching.stepping import ModelSteps, Step
from reasoning.searching.tree import ROOT, Frontier, Node, Place
from tests.backends import run_virtually
from tests.reasoning.searches import found, search

Steps = dict[Place, Step | str]


def growing(*waves: Steps, width: int = 2, **options: int) -> Growth:
    """A tree that took these steps, with reward 0.5 each; a text is why a step failed."""
    prompt = Context(Segment("assistant", "", ()), name="root")
    limits = {"max_depth": 9, "max_tokens": 99, **options}

    async def main() -> Growth:
        growth = Growth(prompt, FakeEngine(), ModelSteps(), aggregation="last", cut=False, **limits)
        async with join_in_waves(FakeEngine(), "root") as running:
            for wave in waves:
                counts: dict[Place, int] = {}
                for place in wave:
                    counts[place[:-1]] = counts.get(place[:-1], 0) + 1
                growth.begin(counts, running, 0)
                outcomes = {place: outcome(step) for place, step in wave.items()}
                taken = growth.take(outcomes)
                growth.score(taken, [0.5] * len(taken))
        await growth.leave("root#left")
        return growth

    return run_virtually(main)


def outcome(step: Step | str) -> Outcome[Step]:
    return Outcome("failed", reason=step) if isinstance(step, str) else Outcome("ok", step)


def step(text: str, *, ended: bool = False, **fields: object) -> Step:
    said = Answer(text=text, token_ids=tuple(map(ord, text)), **fields)  # type: ignore[arg-type]
    return Step(said=said, ended=ended)


def test_nodes_have_the_state_that_their_step_left_them_in() -> None:
    growth = growing(
        {
            (0,): step("on"),
            (1,): step("7", ended=True, value="7"),
            (2,): step("bye", ended=True),
            (3,): step("cut", ended=True, truncated=True, limited_by="tokens"),
            (4,): step("7, and c", ended=True, value="7", truncated=True, limited_by="tokens"),
            (5,): "lost",
            (6,): step("x" * 99),
        }
    )
    states = {place[0]: node.state for place, node in growth.tree.items() if place}
    assert states == {
        0: "open",
        1: "answered",
        2: "answered",
        3: "exhausted",
        4: "answered",
        5: "failed",
        6: "exhausted",
    }
    assert growth.done == 6
    assert growth.tree[0,] == Node(place=(0,), text="on", tokens=2, score=0.5)


def test_branches_say_what_became_of_steps_and_why() -> None:
    growth = growing(
        {(0,): step("on"), (1,): step("cut", ended=True, truncated=True), (2,): "lost"},
        {(0, 0): step("on"), (0, 1): step("x" * 99)},
    )
    first, cut, lost = growth.branches
    assert (first.status, first.reason) == ("ok", "")
    assert (cut.status, cut.reason) == ("truncated", "it reached its token limit")
    assert (lost.status, lost.reason, lost.score) == ("failed", "lost", None)
    assert first.answer is not None
    assert [(b.path, b.status, b.reason) for b in first.answer.branches] == [
        ("root/step-0/step-0", "cancelled", "passed over"),
        ("root/step-0/step-1", "truncated", "it reached max_tokens=99"),
    ]


def test_a_step_that_went_up_to_its_own_limit_was_not_cut() -> None:
    cut = step("on", truncated=True)
    growth = growing({(0,): cut}, {(0, 0): cut}, max_depth=2)
    (first,) = growth.branches
    assert first.answer is not None
    (second,) = first.answer.branches
    assert second.answer is not None
    assert (first.answer.cut_by, second.answer.cut_by) == ("", "")


def test_what_ended_itself_without_a_final_answer_says_so() -> None:
    growth = growing({(0,): step("bye", ended=True), (1,): step("7", ended=True, value="7")})
    said = [branch.answer.remark for branch in growth.branches if branch.answer is not None]
    assert said == ["it ended without a final answer", ""]
    assert [branch.status for branch in growth.branches] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("limits", "taken", "why"),
    [
        ({"max_depth": 1}, step("on"), "it reached max_depth=1"),
        ({"max_tokens": 2}, step("on"), "it reached max_tokens=2"),
        ({}, step("on", truncated=True), "the search ended before it came to an answer"),
        ({}, step("on", ended=True, truncated=True), "it reached its token limit"),
        (
            {},
            step("on", ended=True, truncated=True, limited_by="tokens"),
            "the budget's tokens cut it",
        ),
    ],
)
def test_a_thought_that_is_the_answer_says_why_it_is_not_more(
    limits: dict[str, int], taken: Step, why: str
) -> None:
    growth = growing({(0,): taken}, **limits)
    assert replace(growth.whole((0,)), truncated=True).cut_by == why


def test_a_thought_is_all_its_steps_and_the_end_of_the_last() -> None:
    growth = growing({(0,): step("one ")}, {(0, 0): step("two", ended=True, value="2")})
    whole = growth.whole((0, 0))
    assert (whole.text, whole.value, len(whole.token_ids)) == ("one two", "2", 7)
    assert growth.whole(ROOT).text == ""


def test_steps_that_were_never_taken_were_cut() -> None:
    growth = growing({(0,): step("on")})
    assert growth.lost == ""
    assert [branch.status for branch in growth.branches] == ["cancelled"]


def test_places_are_keys_and_back() -> None:
    for place in ((), (3,), (0, 12, 4)):
        assert place_of(key_of(place)) == place


def test_a_tree_knows_its_children_in_their_order() -> None:
    tree = {place: Node(place=place) for place in [ROOT, (1,), (0, 1), (0,), (0, 0)]}
    children = Frontier([], tree).children
    assert {p: [n.place for n in nodes] for p, nodes in children.items()} == {
        ROOT: [(0,), (1,)],
        (0,): [(0, 0), (0, 1)],
    }
    assert tree[0, 1].lineage == (ROOT, (0,), (0, 1))
    assert (tree[0, 1].depth, tree[0, 1].parent) == (2, (0,))


def test_bugs_of_steppers_are_bugs() -> None:
    class Buggy:
        async def step(self, *arguments: object, **options: object) -> Step:
            raise KeyError("oops")

    with pytest.raises(KeyError):
        found(search(width=1, stepper=Buggy()), FakeEngine())


def test_a_stepper_may_ask_more_than_once_and_all_is_counted() -> None:
    class Twice:
        async def step(self, context, engine, *, thought, room):  # type: ignore[no-untyped-def]
            draft = await engine.generate(context.fork("draft"), ModelSteps().sampling)
            step = await ModelSteps().step(context, engine, thought=thought, room=room)
            usage = draft.usage + step.said.usage
            said = replace(step.said, usage=usage, critical_path=usage.generated_tokens)
            return Step(said=said, ended=step.ended)

    engine = FakeEngine("[0.5] \\boxed{7}")
    answer = found(search(width=1, stepper=Twice()), engine)
    assert answer.critical_path == answer.usage.generated_tokens == 2 * len("[0.5] \\boxed{7}")
    failing = FakeEngine([*["[0.5] \\boxed{7}"] * 3, EngineError("lost")])
    answer = found(search(width=2, stepper=Twice()), failing)
    assert answer.usage.generated_tokens == 3 * len("[0.5] \\boxed{7}")
