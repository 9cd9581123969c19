from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Completion, Context, Segment, Status, Usage
from reasoning import Answer, Branch
from reasoning.answer import usable


def thread(tokens: int, **fields: object) -> Answer:
    return Answer(
        text="x" * tokens,
        usage=Usage(prompt_tokens=10, generated_tokens=tokens),
        critical_path=tokens,
        **fields,  # type: ignore[arg-type]
    )


def branch(index: int, tokens: int | None, status: Status = "ok") -> Branch:
    answer = None if tokens is None else thread(tokens)
    return Branch(path=f"root/{index}", status=status, answer=answer)


branches = st.lists(
    st.builds(
        branch,
        st.integers(0, 99),
        st.none() | st.integers(0, 500),
        st.sampled_from(["ok", "truncated", "failed", "cancelled"]),
    ),
    max_size=8,
)


@given(branches, st.none() | st.integers(1, 9))
def test_what_branches_took_is_added_whatever_became_of_them(
    branches: list[Branch], in_flight: int | None
) -> None:
    own = thread(7)
    whole = own.after(branches, in_flight=in_flight)
    spent = [b.answer.usage for b in branches if b.answer is not None]
    assert whole.usage == sum(spent, own.usage)
    assert 7 <= whole.critical_path <= whole.usage.generated_tokens
    assert whole.branches == tuple(branches)
    assert (whole.text, whole.value) == (own.text, own.value)


def path(lengths: Sequence[int], in_flight: int | None) -> int:
    branches = [branch(i, tokens) for i, tokens in enumerate(lengths)]
    return Answer(text="").after(branches, in_flight=in_flight).critical_path


@given(st.lists(st.integers(0, 500), max_size=8))
def test_of_branches_side_by_side_the_longest_counts_and_of_one_after_another_all(
    lengths: list[int],
) -> None:
    assert path(lengths, None) == path(lengths, 99) == max(lengths, default=0)
    assert path(lengths, 1) == sum(lengths)


@pytest.mark.parametrize(
    ("lengths", "in_flight", "expected"),
    # A branch begins in the place that is free first.
    [([5, 3, 2, 1], 2, 6), ([1, 1, 1, 9], 2, 10), ([9, 1, 1, 1], 3, 9)],
)
def test_a_few_at_a_time_branches_follow_on_each_other(
    lengths: list[int], in_flight: int, expected: int
) -> None:
    assert path(lengths, in_flight) == expected


def test_what_was_cut_was_not_waited_for() -> None:
    branches = [branch(0, 5), branch(1, 90, "cancelled"), branch(2, 8, "failed")]
    assert Answer(text="").after(branches).critical_path == 8


def test_what_was_cut_since_the_time_was_up_was_waited_for() -> None:
    late = replace(branch(1, 90, "cancelled"), timed_out=True)
    assert Answer(text="").after([branch(0, 5), late]).critical_path == 90


def test_where_all_was_cut_all_was_waited_for() -> None:
    branches = [branch(0, 5, "cancelled"), branch(1, 9, "cancelled")]
    assert Answer(text="").after(branches).critical_path == 9


def test_rounds_follow_on_each_other() -> None:
    twice = Answer(text="").after([branch(0, 5), branch(1, 9)]).after([branch(2, 3)], remark="two")
    assert (twice.critical_path, twice.usage.generated_tokens) == (12, 17)
    assert [b.path for b in twice.branches] == ["root/0", "root/1", "root/2"]


def test_remarks_stand_one_after_another() -> None:
    assert thread(1, remark="a").after([], remark="b").remark == "a; b"
    assert thread(1, remark="a").after([]).remark == "a"
    assert thread(1).after([], remark="b").remark == "b"


def test_usable_is_what_came_to_an_answer() -> None:
    some = [
        branch(0, 1),
        branch(1, 2, "truncated"),
        branch(2, 3, "failed"),
        branch(3, 4, "cancelled"),
        branch(4, None),
    ]
    assert [len(answer.text) for answer in usable(some)] == [1, 2]
    assert Answer(text="").after(some).candidates == usable(some)


def test_the_choice_of_a_reducer_takes_nothing_and_says_the_same() -> None:
    chosen = thread(9, value="4", remark="so").after([branch(0, 5)]).costless
    assert (chosen.usage, chosen.critical_path, chosen.branches) == (Usage(), 0, ())
    assert (chosen.text, chosen.value, chosen.remark) == ("x" * 9, "4", "so")


@pytest.mark.parametrize(("text", "value", "final"), [(" 4\n", None, "4"), ("so 4", "5", "5")])
def test_the_final_answer_is_the_value_or_else_all_of_the_text(
    text: str, value: str | None, final: str
) -> None:
    assert Answer(text=text, value=value).final == final


def test_the_parallel_ratio_is_one_for_a_thread_and_for_nothing() -> None:
    assert thread(9).parallel_ratio == Answer(text="").parallel_ratio == 1
    assert Answer(text="").after([branch(i, 5) for i in range(8)]).parallel_ratio == 8


def test_a_completion_is_the_answer_of_one_thread() -> None:
    context = Context(Segment("user", "2 + 2?", (1, 2)), name="root")
    completion = Completion(
        context=context.extend(Segment("assistant", r"\boxed{4}", (7, 8, 9))),
        text=r"\boxed{4}",
        finish_reason="length",
        stop_reason=None,
        usage=Usage(prompt_tokens=2, generated_tokens=3),
        limited_by="tokens",
    )
    answer = Answer.from_completion(completion)
    assert (answer.value, answer.token_ids, answer.context) == ("4", (7, 8, 9), completion.context)
    assert (answer.usage, answer.critical_path) == (completion.usage, 3)
    assert (answer.truncated, answer.limited_by, answer.confidence) == (True, "tokens", None)


def test_printed_an_answer_is_short_however_many_threads_it_came_from() -> None:
    answer = Answer(text="so", token_ids=(1,) * 1000)
    for step in range(20):
        answer = Answer(
            text="so", branches=(Branch(path=f"step-{step}", status="ok", answer=answer),)
        )
    assert len(repr(answer)) < 400
    assert "text='so'" in repr(answer)
