from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Status, Usage
from reasoning import Answer, Branch, draw_threads, thread_data


def branch(
    path: str,
    status: Status = "ok",
    *,
    value: str | None = "4",
    text: str = "so it is 4",
    reason: str = "",
    inside: tuple[Branch, ...] = (),
    score: float | None = None,
    **fields: Any,
) -> Branch:
    usage = Usage(prompt_tokens=90, cached_tokens=64, generated_tokens=1234)
    answer = Answer(text=text, value=value, usage=usage, critical_path=617, **fields)
    return Branch(path=path, status=status, answer=answer.after(inside), reason=reason, score=score)


def tree(*branches: Branch, **options: int) -> list[str]:
    return draw_threads(Answer(text="", branches=branches), **options).splitlines()


def test_each_thread_has_a_line_with_what_became_of_it_and_what_it_took() -> None:
    lines = tree(
        branch("root/sample-0"),
        branch("root/sample-1", "truncated", truncated=True),
        Branch(path="root/sample-2", status="failed", reason="the server is gone"),
        branch("root/sample-3", "cancelled", value=None, reason="not needed"),
        branch("root/sample-4", remark="1 of 2 threads were lost"),
    )
    assert lines == [
        "thread      tokens  cached  answer",
        "✓ sample-0   1,234      64  4",
        "✂ sample-1   1,234      64  4           it reached its token limit",
        "✗ sample-2                              the server is gone",
        "· sample-3   1,234      64  so it is 4  not needed",
        "✓ sample-4   1,234      64  4           1 of 2 threads were lost",
    ]


def names(lines: list[str]) -> list[str]:
    return [line.split("  1,234")[0].rstrip() for line in lines[1:]]


def test_threads_inside_of_threads_are_beneath_them() -> None:
    inner = branch("root/a/b"), branch("root/a/c")
    lines = tree(branch("root/a", inside=inner), branch("root/e"))
    assert names(lines)[1:] == ["  ✓ b", "  ✓ c", "✓ e"]


def test_threads_are_called_by_what_tells_their_paths_apart() -> None:
    blocks = branch("root/1/block-1/thread-1"), branch("root/1/block-2/thread-1")
    assert names(tree(*blocks)) == ["✓ block-1/thread-1", "✓ block-2/thread-1"]
    assert names(tree(blocks[0])) == ["✓ thread-1"]
    assert names(tree(branch("root/1"), branch("root/1/2"))) == ["✓ 1", "✓ 1/2"]


def test_what_did_not_fork_has_no_tree() -> None:
    assert draw_threads(Answer(text="4")) == ""
    assert thread_data(Answer(text="4")) == []


def test_of_many_threads_the_first_of_the_upper_ones_are_shown_and_the_rest_is_counted() -> None:
    outer = [
        branch(f"root/{i}", inside=tuple(branch(f"root/{i}/{j}") for j in range(3)))
        for i in range(3)
    ]
    lines = tree(*outer, most=4)
    assert [line.split()[1] for line in lines[1:]] == ["0", "0", "1", "2", "and"]
    assert lines[-1] == "… and 8 more threads"
    assert tree(*outer, most=11)[-1] == "… and 1 more thread"
    assert len(tree(*outer, most=12)) == 13


def test_long_lines_and_long_answers_are_cut() -> None:
    wordy = branch("root/a", value="x" * 99, reason="y" * 99)
    assert all(len(line) <= 50 for line in tree(wordy, width=50))
    (_, line) = tree(wordy, width=500)
    assert f"  {'x' * 39}…  {'y' * 99}" in line


def test_what_a_model_says_is_one_line_and_steers_no_terminal() -> None:
    (_, line) = tree(branch("root/a", value="4\n\x1b[2J 5\x07\u202e", reason="a\nb"))
    assert line.endswith("4 �[2J 5��  a b")


def test_what_is_not_known_of_the_cache_is_left_out() -> None:
    answer = Answer(text="4", usage=Usage(cached_tokens=None, generated_tokens=5))
    (_, line) = tree(Branch(path="root/a", status="ok", answer=answer))
    assert line.split() == ["✓", "a", "5", "4"]


branches = st.recursive(
    st.builds(
        branch,
        st.text(max_size=9),
        st.sampled_from(["ok", "truncated", "failed", "cancelled"]),
        value=st.none() | st.text(max_size=60),
        text=st.text(max_size=60),
        reason=st.text(max_size=30),
    ),
    lambda inner: st.builds(branch, st.just("root/a"), inside=st.lists(inner).map(tuple)),
    max_leaves=20,
)


@given(st.lists(branches, min_size=1, max_size=4), st.integers(1, 9), st.integers(10, 99))
def test_whatever_is_in_it_a_tree_has_so_many_lines_of_so_much_width(
    branches: list[Branch], most: int, width: int
) -> None:
    data = thread_data(Answer(text="", branches=tuple(branches)))
    total = sum(1 for _ in flat(data))
    lines = draw_threads(Answer(text="", branches=tuple(branches)), most=most, width=width)
    shown = lines.split("\n")
    assert len(shown) == 1 + min(total, most) + (total > most)
    assert all(len(line) <= width for line in shown[: 1 + min(total, most)])
    assert all(line.isprintable() for line in shown)


def flat(data: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for thread in data:
        yield thread
        yield from flat(thread["threads"])


def test_as_data_a_thread_has_all_that_is_known_of_it() -> None:
    inner = Branch(path="root/a/b", status="cancelled", reason="late")
    (outer,) = thread_data(Answer(text="", branches=(branch("root/a", inside=(inner,)),)))
    (lost,) = outer.pop("threads")
    assert outer == {
        "path": "root/a",
        "status": "ok",
        "reason": "",
        "answer": "4",
        "usage": {
            "prompt_tokens": 90,
            "cached_tokens": 64,
            "generated_tokens": 1234,
            "lower_bound": False,
        },
        "critical_path": 617,
        "parallel_ratio": 2.0,
    }
    assert (lost["path"], lost["reason"], lost["answer"]) == ("root/a/b", "late", None)
    assert lost["usage"]["generated_tokens"] == lost["critical_path"] == 0


@pytest.mark.parametrize(("truncated", "limit", "words"), [
    (False, None, ""),
    (True, None, "it reached its token limit"),
    (True, "seconds", "the budget's seconds cut it"),
])  # fmt: skip
def test_what_cut_an_answer_is_said_in_words(
    truncated: bool, limit: str | None, words: str
) -> None:
    assert Answer(text="", truncated=truncated, limited_by=limit).cut_by == words


def test_scores_have_a_column_where_there_are_some() -> None:
    lines = tree(
        branch("root/step-0", score=0.75, inside=(branch("root/step-0/step-0", score=1234.5),)),
        branch("root/step-1", score=float("-inf")),
        branch("root/step-2"),
    )
    assert lines == [
        "thread      tokens  cached     score  answer",
        "✓ step-0     2,468     128      0.75  4",
        "  ✓ step-0   1,234      64  1.23e+03  4",
        "✓ step-1     1,234      64            4",
        "✓ step-2     1,234      64            4",
    ]


def test_scores_are_data_that_json_can_hold() -> None:
    scores = [0.75, float("-inf"), None]
    data = thread_data(
        Answer(text="", branches=tuple(branch(f"root/{i}", score=s) for i, s in enumerate(scores)))
    )
    assert [one.get("score", "none") for one in data] == [0.75, None, "none"]
