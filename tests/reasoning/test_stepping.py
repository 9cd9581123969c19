from __future__ import annotations

from dataclasses import replace

import pytest

from engines import (
    CapabilityMissing,
    Choice,
    Context,
    Engine,
    FakeEngine,
    LedgerEngine,
    Regex,
    Sampling,
    UsageError,
    converse,
)
from reasoning.searching.guided_steps import GuidedSteps
from reasoning.searching.stepping import ModelSteps, Step, Stepper
from tests.backends import run_virtually
from tests.reasoning.piece_engine import END, PieceEngine

STEPS = ModelSteps(sampling=Sampling(seed=1))


def thought_of(engine: Engine, stepper: Stepper = STEPS, *, steps: int = 1) -> list[Step]:
    """So many steps one after another, or fewer where the thought ends before."""

    async def main() -> list[Step]:
        context = await converse(
            engine, [("user", "The answer is 5, isn't it?"), ("assistant", "")], name="root"
        )
        taken: list[Step] = []
        while len(taken) < steps and not (taken and taken[-1].ended):
            fork = context.fork(f"step-{len(taken)}")
            so_far = "".join(step.said.text for step in taken)
            taken.append(await stepper.step(fork, engine, thought=so_far, room=1000))
            context = taken[-1].said.context or fork
        return taken

    return run_virtually(main)


async def assert_text_is_what_the_ids_say(engine: Engine, steps: list[Step]) -> None:
    for step in steps:
        assert await engine.decode(step.said.token_ids) == step.said.text.removeprefix(" ")


def said_in(step: Step) -> Context:
    assert step.said.context is not None
    return step.said.context


def test_the_stop_stays_in_the_step_by_the_models_own_ids() -> None:
    engine = PieceEngine(["3", " and", " 4", ".\n\n"], ["So", " \\boxed{7}"])
    steps = thought_of(engine, steps=3)
    assert [step.said.text for step in steps] == ["3 and 4.\n\n", "So \\boxed{7}"]
    assert [step.ended for step in steps] == [False, True]
    assert steps[0].said.token_ids == engine.ids_of(["3", " and", " 4", ".\n\n"])
    run_virtually(lambda: assert_text_is_what_the_ids_say(engine, steps))


def test_a_stop_within_a_token_is_written_anew_and_what_is_behind_it_left() -> None:
    engine = PieceEngine(["3", ".", "\n\nThe"], ["\\boxed{7}"])
    steps = thought_of(engine, steps=2)
    assert steps[0].said.text == "3.\n\n"
    assert steps[0].said.token_ids == (*engine.ids_of(["3", "."]), *b"\n\n")
    run_virtually(lambda: assert_text_is_what_the_ids_say(engine, steps))


@pytest.mark.parametrize("engine", [PieceEngine, FakeEngine])
def test_the_next_step_goes_on_after_all_that_was_said(engine: type[FakeEngine]) -> None:
    replies = ["3 and 4.\n\nmore", "So \\boxed{7}"]
    fake = engine(*map(list, replies)) if engine is PieceEngine else FakeEngine(replies)
    steps = thought_of(fake, steps=2)
    first, second = fake.calls
    assert second.context.token_ids == first.context.token_ids + steps[0].said.token_ids
    assert second.context.turns[-1].text == steps[0].said.text == "3 and 4.\n\n"
    run_virtually(lambda: assert_text_is_what_the_ids_say(fake, steps))


def test_the_mark_of_the_models_own_end_is_no_part_of_the_thought() -> None:
    engine = PieceEngine(["I", " give", " up"])
    (step,) = thought_of(engine, steps=2)
    assert (step.ended, step.said.value, step.said.truncated) == (True, None, False)
    assert step.said.token_ids == engine.ids_of(["I", " give", " up"])
    assert END not in step.said.text
    assert step.said.usage.generated_tokens == 4


def test_a_stop_text_of_the_user_ends_the_thought_and_not_a_step() -> None:
    steps = ModelSteps(sampling=Sampling(stop=("###",)))
    (step,) = thought_of(PieceEngine(["So", " on", "###", "\n\n"]), steps, steps=2)
    assert (step.ended, step.said.text) == (True, "So on")


def test_a_final_answer_ends_the_thought_where_a_step_does() -> None:
    (step,) = thought_of(PieceEngine(["So", " \\boxed{7}", ".\n\n", "Next"]), steps=2)
    assert (step.ended, step.said.value, step.said.text) == (True, "7", "So \\boxed{7}.\n\n")


@pytest.mark.parametrize("mark", ["The final answer is 7", "#### 7"])
def test_an_answer_in_no_box_is_one_where_the_model_ends(mark: str) -> None:
    steps = thought_of(PieceEngine([mark, "\n\n"], ["Indeed."]), steps=3)
    assert [(step.ended, step.said.value) for step in steps] == [(False, None), (True, "7")]


def test_a_final_answer_may_be_asked_for_in_the_step_before() -> None:
    steps = thought_of(PieceEngine(["The final answer is", ":", "\n\n"], ["70"]), steps=3)
    assert [(step.ended, step.said.value) for step in steps] == [(False, None), (True, "70")]


@pytest.mark.parametrize("text_only", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        "Typically, the answer is expected to be whole. Here it is not:",  # after Qwen2.5-Math, recorded
        "The answer is one of these:\n1 or 7",
        "#### Step 1\nLook for a factor.",
    ],
)
def test_a_thought_goes_on_where_it_speaks_of_an_answer(said: str, text_only: bool) -> None:
    engine = FakeEngine([f"{said}\n\n", "\\boxed{7}"], text_only=text_only)
    steps = thought_of(engine, steps=3)
    assert [(step.ended, step.said.value) for step in steps] == [(False, None), (True, "7")]


@pytest.mark.parametrize("text_only", [False, True])
def test_a_step_that_was_cut_within_its_answer_gives_none_of_it(text_only: bool) -> None:
    engine = FakeEngine("The answer is 12", text_only=text_only)
    (step,) = thought_of(engine, ModelSteps(step_tokens=len("The answer is 1")))
    assert (step.said.text, step.ended, step.said.value) == ("The answer is 1", False, None)


def test_only_what_the_model_says_is_an_answer() -> None:
    """The question of these tests speaks of one."""
    steps = thought_of(PieceEngine(["Hm", "\n\n"], ["Hm", "\n\n"]), steps=2)
    assert [(step.ended, step.said.value) for step in steps] == [(False, None)] * 2


def test_a_step_that_is_as_long_as_allowed_is_cut_and_the_thought_goes_on() -> None:
    engine = PieceEngine(["one", " two", " three", " four"], [" five", "\n\n"])
    steps = thought_of(engine, ModelSteps(step_tokens=3), steps=2)
    assert [step.said.text for step in steps] == ["one two three", " five\n\n"]
    assert [(step.ended, step.said.truncated) for step in steps] == [(False, True), (False, False)]


def test_an_answer_is_whole_however_its_step_was_cut() -> None:
    (step,) = thought_of(PieceEngine(["\\boxed{7}", " and", " on"]), ModelSteps(step_tokens=2))
    assert (step.ended, step.said.value, step.said.truncated) == (True, "7", False)


def test_without_stop_texts_steps_end_by_tokens_alone() -> None:
    engine = PieceEngine(["a", "\n\n", "b", "c"], ["c"])
    steps = thought_of(engine, ModelSteps(ends=(), step_tokens=3), steps=3)
    assert [(step.said.text, step.ended) for step in steps] == [("a\n\nb", False), ("c", True)]


def test_the_room_of_the_thought_is_the_limit_where_it_is_less() -> None:
    async def main() -> Step:
        engine = PieceEngine(["a", "b", "c", "d"])
        context = await converse(engine, [("user", "Why?"), ("assistant", "")], name="root")
        return await STEPS.step(context, engine, thought="", room=2)

    step = run_virtually(main)
    assert (step.said.text, step.said.truncated) == ("ab", True)


def test_a_cut_within_a_character_leaves_it_to_the_next_step() -> None:
    smile = "😀".encode()
    engine = PieceEngine(["so", smile[:2], smile[2:]], [smile, " yes", "\n\n"])
    steps = thought_of(engine, ModelSteps(step_tokens=2), steps=2)
    assert steps[0].said.text == "so"
    assert steps[0].said.token_ids == engine.ids_of(["so"])
    assert steps[1].said.text == "😀 yes"
    assert steps[0].said.usage.generated_tokens == 2


def test_where_nothing_but_a_part_of_a_character_fits_it_is_kept() -> None:
    smile = "😀".encode()
    engine = PieceEngine([smile[:2], smile[2:]])
    (step,) = thought_of(engine, ModelSteps(step_tokens=1))
    assert step.said.token_ids == engine.ids_of([smile[:2]])


def test_one_empty_step_is_passed_over_and_a_second_one_ends_the_thought() -> None:
    replies = [["\n\n"], ["Well", "\n\n"], ["\n\n"], ["\n\n"]]
    steps = thought_of(PieceEngine(*replies), steps=9)
    assert [step.ended for step in steps] == [False, False, False, True]
    assert steps[-1].said.value is None


@pytest.mark.parametrize("ends", [(), ("\n\n",)])
def test_blanks_without_end_end_the_thought(ends: tuple[str, ...]) -> None:
    steps = thought_of(FakeEngine(" " * 99), ModelSteps(ends=ends, step_tokens=8), steps=20)
    assert len(steps) == 2


def test_an_empty_reply_is_the_models_own_end() -> None:
    (step,) = thought_of(PieceEngine([]), steps=2)
    assert (step.ended, step.said.text, step.said.token_ids) == (True, "", ())


class Clamped(LedgerEngine):
    """As under a budget that has nothing left."""

    async def generate(self, *arguments: object) -> object:  # type: ignore[override]
        completion = await super().generate(*arguments)  # type: ignore[arg-type]
        return replace(completion, finish_reason="length", stop_reason=None, limited_by="tokens")


def test_what_a_budget_cut_cannot_go_on() -> None:
    (step,) = thought_of(Clamped(PieceEngine(["on", " and", " on"])), steps=2)
    assert step.ended
    assert (step.said.truncated, step.said.limited_by) == (True, "tokens")


def test_seeds_are_the_steps_own() -> None:
    engine = FakeEngine(["a\n\nb", "c"])
    thought_of(engine, steps=2)
    seeds = {call.sampling.seed for call in engine.calls}
    assert len(seeds) == 2
    assert None not in seeds


def test_on_a_text_only_engine_the_user_asks_for_each_further_step() -> None:
    engine = FakeEngine(["3 and 4.\n\nmore", "so 7.", "\\boxed{7}", "never"], text_only=True)
    steps = thought_of(engine, steps=9)
    # Its own end ends a turn only: it need not say what ended it.
    assert [step.said.text for step in steps] == ["3 and 4.\n\n", "so 7.\n\n", "\\boxed{7}\n\n"]
    assert [step.ended for step in steps] == [False, False, True]
    turns = [(turn.role, turn.text) for turn in engine.calls[-1].context.turns]
    assert [role for role, _ in turns] == ["user", "assistant"] * 3
    assert [text for role, text in turns if role == "assistant"] == ["3 and 4.", "so 7.", ""]
    assert turns[2][1].startswith("Go on with the next step")


def test_on_a_text_only_engine_an_answer_that_a_turn_ends_with_ends_the_thought() -> None:
    engine = FakeEngine(["Let us see.", "The answer is 7.", "never"], text_only=True)
    steps = thought_of(engine, steps=9)
    assert [(step.ended, step.said.value) for step in steps] == [(False, None), (True, "7")]


def test_under_a_constraint_an_answer_that_a_step_ends_with_ends_the_thought() -> None:
    steps = ModelSteps(sampling=Sampling(constraint=Regex(pattern="(a|Answer: 7);")), ends=())
    taken = thought_of(PieceEngine(["a", ";"], ["Answer: 7", ";"]), steps, steps=3)
    assert [(step.ended, step.said.value) for step in taken] == [(False, None), (True, "7")]


def test_on_a_text_only_engine_an_empty_reply_ends_the_thought() -> None:
    steps = thought_of(FakeEngine(["Well.\n\n", "", "never"], text_only=True), steps=9)
    assert [step.ended for step in steps] == [False, True]


def test_the_end_of_a_constraint_is_no_end_of_the_thought() -> None:
    steps = ModelSteps(sampling=Sampling(constraint=Regex(pattern="[ab];")), ends=())
    taken = thought_of(PieceEngine(["a", ";"], ["b", ";"]), steps, steps=2)
    assert [(step.said.text, step.ended) for step in taken] == [("a;", False), ("b;", False)]


def test_what_was_cut_within_a_constraint_cannot_go_on() -> None:
    steps = ModelSteps(sampling=Sampling(constraint=Regex(pattern="a+;")), step_tokens=2)
    (step,) = thought_of(PieceEngine(["a", "a", "a", ";"]), steps, steps=2)
    assert (step.ended, step.said.truncated, step.said.value) == (True, True, None)


def moves(thought: str) -> Choice | None:
    """Counts down from 3 in steps of 1 or 2."""
    left = 3 - sum(map(int, thought.split()))
    return Choice(options=tuple(f"{n}\n" for n in (1, 2) if n <= left)) if left else None


GUIDED = GuidedSteps(constraint=moves, answer=lambda thought: str(len(thought.split())))


def test_a_guide_says_what_each_step_may_be_and_where_the_thought_ends() -> None:
    engine = PieceEngine(["1", "\n"], ["2", "\n"])
    steps = thought_of(engine, GUIDED, steps=9)
    assert [(s.said.text, s.said.value, s.ended) for s in steps] == [
        ("1\n", None, False),
        ("2\n", "2", True),
    ]
    assert [call.sampling.constraint for call in engine.calls] == [moves(""), moves("1\n")]
    run_virtually(lambda: assert_text_is_what_the_ids_say(engine, steps))


def test_a_guide_that_allows_nothing_asks_nothing() -> None:
    engine = PieceEngine()
    (step,) = thought_of(engine, GuidedSteps(constraint=lambda thought: None), steps=2)
    assert (step.ended, step.said.text, engine.calls) == (True, "", [])


def test_a_guided_step_that_was_cut_is_no_answer() -> None:
    guided = replace(GUIDED, steps=ModelSteps(step_tokens=1))
    (step,) = thought_of(PieceEngine(["1", "\n"]), guided, steps=2)
    assert (step.ended, step.said.truncated, step.said.value) == (True, True, None)


def test_a_guide_needs_an_engine_that_keeps_constraints() -> None:
    with pytest.raises(CapabilityMissing):
        thought_of(FakeEngine("1\n", text_only=True), GUIDED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_tokens": 0}, "steps of 0 tokens"),
        ({"ends": ("\n", "")}, r'such as \["\\n\\n"\], or \[\] to cut'),
    ],
)
def test_steps_of_nothing_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ModelSteps(**options)  # type: ignore[arg-type]
