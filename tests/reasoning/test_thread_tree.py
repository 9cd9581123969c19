from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, Segment, Status, Usage
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


def tree(*branches: Branch, **options: Any) -> list[str]:
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
    assert [" ".join(name.split()[:2]) for name in names(lines)] == [
        "✓ a",
        "✓ b",
        "✓ c",
        "the rest",
        "✓ e",
    ]
    assert [len(name) - len(name.lstrip()) for name in names(lines)] == [0, 2, 2, 4, 0]


def test_what_is_of_no_thread_has_a_row() -> None:
    head, *lines = tree(branch("root/a", inside=(branch("root/a/b"),)))
    assert head == "thread        tokens  cached  answer"
    assert lines[0].split() == ["✓", "a", "2,468", "128", "4"]
    assert (
        lines[2]
        == "    the rest   1,234      64          such as scoring, summing up, closing or unfinished steps"
    )


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
    assert tree(*outer, most=4, rest="ask")[-1] == "… and 8 more threads; ask"
    assert len(tree(*outer, most=15, rest="ask")) == 16


def test_long_lines_and_long_answers_are_cut() -> None:
    wordy = branch("root/a", value="x" * 99, reason="y" * 99)
    assert all(len(line) <= 50 for line in tree(wordy, width=50))
    (_, line) = tree(wordy, width=500)
    assert f"  {'x' * 39}…  {'y' * 99}" in line


def test_what_a_model_says_is_one_line_and_steers_no_terminal() -> None:
    (_, line) = tree(branch("root/a", value="4\n\x1b[2J 5\x07\u202e", reason="a\nb"))
    assert line.endswith("4 ↵ �[2J 5��  a b")


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


@given(st.lists(branches, min_size=1, max_size=4), st.integers(1, 9), st.integers(10, 120))
def test_whatever_is_in_it_a_tree_has_so_many_lines_of_so_much_width(
    branches: list[Branch], most: int, width: int
) -> None:
    lines = draw_threads(Answer(text="", branches=tuple(branches)), most=most, width=width)
    _, *shown = lines.split("\n")
    counted = shown.pop() if shown[-1].startswith("… and ") else ""
    assert 1 <= len(shown) <= most
    assert all(len(line) <= width for line in shown)
    assert all(line.isprintable() for line in shown)
    total = sum(1 for _ in flat(thread_data(Answer(text="", branches=tuple(branches)))))
    assert int(counted.split()[2].replace(",", "") if counted else 0) <= total - 1


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
        "chosen": False,
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
        "thread        Σ tokens  Σ cached     score  answer",
        "✓ step-0         2,468       128      0.75  4",
        "  ✓ step-0.0     1,234        64  1.23e+03  4",
        "✓ step-1         1,234        64            4",
        "✓ step-2         1,234        64            4",
    ]


WON = Context(Segment("assistant", "", ()), name="won")


def step(place: str, score: float, status: Status = "ok", **fields: Any) -> Branch:
    path = "root/" + "/".join(f"step-{n}" for n in place.split("."))
    return branch(path, status, score=score, **{"value": None, "text": place, **fields})


def left(place: str, score: float) -> Branch:
    return step(place, score, "cancelled", reason="passed over")


SEARCH = (
    *(left(str(n), n / 10) for n in range(4)),
    step(
        "4",
        0.7,
        inside=(
            left("4.0", 0.1),
            step("4.1", 0.8, value="7", context=WON),
            step("4.2", 0.9, value="8"),
            step("4.3", 0.2, "truncated", reason="it reached max_depth=2"),
            step("4.4", 0.3, "truncated", reason="it reached max_depth=2"),
        ),
    ),
    step("5", 0.6, inside=(step("5.0", 0.5, value="7"), step("5.1", 0.4))),
    Branch(path="root/step-6", status="failed", reason="the context is full"),
    Branch(path="root/step-7", status="failed", reason="the context is full"),
)


def marks(lines: list[str]) -> list[tuple[str, str]]:
    return [(line.split()[0], line.split()[1]) for line in lines[1:]]


def test_a_search_tells_what_won_what_voted_and_what_went_on_and_folds_what_was_left() -> None:
    lines = draw_threads(Answer(text="", context=WON, branches=SEARCH)).splitlines()
    assert lines == [
        "thread        Σ tokens  Σ cached  score  answer",
        "○ step-4         7,404       384    0.7  4",
        "  · step-4.0     1,234        64    0.1  4.0     passed over",
        "  ★ step-4.1     1,234        64    0.8  7       chosen",
        "  ✓ step-4.2     1,234        64    0.9  8",
        "  ✂ 2 others     2,468       128                 it reached max_depth=2, best 0.3",
        "○ step-5         3,702       192    0.6  5",
        "  ✓ step-5.0     1,234        64    0.5  7",
        "  ○ step-5.1     1,234        64    0.4  5.1",
        "· 4 others       4,936       256                 passed over, best 0.3",
        "✗ 2 others                                       the context is full",
    ]


def test_where_rows_are_few_the_way_to_the_winner_is_shown_first_and_then_the_voters() -> None:
    answer = Answer(text="", context=WON, branches=SEARCH)

    def drawn(most: int) -> list[tuple[str, str]]:
        return marks(draw_threads(answer, most=most).splitlines())

    way = [("○", "step-4"), ("★", "step-4.1")]
    assert drawn(1) == [*way, ("…", "and")]
    folded = [("✂", "2"), ("·", "4"), ("✗", "2")]
    assert drawn(5) == [*way, *folded, ("…", "and")]
    voter = [("✓", "step-4.2")]
    assert drawn(6) == [*way, *voter, *folded, ("…", "and")]
    assert draw_threads(answer, most=6).endswith("\n… and 4 more threads")
    assert drawn(8) == [
        *way,
        *voter,
        folded[0],
        ("○", "step-5"),
        ("✓", "step-5.0"),
        *folded[1:],
        ("…", "and"),
    ]


def test_a_winner_that_lies_deep_is_shown_with_all_its_way() -> None:
    deep = step(".".join("0" * 30), 0.5, value="7", context=WON)
    for depth in range(29, 0, -1):
        deep = step(".".join("0" * depth), 0.5, inside=(deep,))
    lines = draw_threads(
        Answer(text="", context=WON, branches=(left("1", 0.1), left("2", 0.1), deep)), most=12
    ).splitlines()
    assert len(lines) == 1 + 30 + 1
    assert "★ …0.0.0.0.0.0.0.0.0.0 " in lines[30]


def test_what_a_vote_chose_is_marked_and_so_is_what_was_chosen_in_it() -> None:
    inner = branch("root/a/b", context=WON), branch("root/a/c")
    outer = branch("root/a", inside=inner, context=WON), branch("root/d")
    answer = Answer(text="", context=WON, branches=outer)
    assert [name for name, _ in marks(draw_threads(answer).splitlines())] == [
        "★",
        "★",
        "✓",
        "the",
        "✓",
    ]
    data = list(flat(thread_data(answer)))
    assert [one["path"] for one in data if one["chosen"]] == ["root/a", "root/a/b"]


def test_threads_that_have_no_context_were_not_chosen_for_it() -> None:
    assert "★" not in "".join(tree(branch("root/a")))


def test_siblings_that_all_were_lost_alike_are_one_row() -> None:
    lost = [Branch(path=f"root/{n}", status="failed", reason="gone") for n in range(3)]
    lines = tree(*lost, rest="ask")
    assert [line.split() for line in lines[1:]] == [["✗", "all", "3", "gone"], ["…", "ask"]]
    differently = (*lost[:1], Branch(path="root/9", status="failed", reason="busy"))
    assert len(tree(*differently)) == 1 + 2


def test_siblings_that_were_lost_for_a_reason_that_names_each_of_them_are_one_row() -> None:
    lost = [
        Branch(path=path, status="failed", reason=f"{path!r} needs more")
        for path in ("root/0", "root/1", "root/2")
    ]
    (_, line, _) = tree(*lost, rest="ask")
    assert line.split() == ["✗", "all", "3", "it", "needs", "more"]
    (_, alone) = tree(lost[0])
    assert alone.split() == ["✗", "0", "it", "needs", "more"]


def test_a_step_that_says_nothing_says_so() -> None:
    (_, line) = tree(step("0", 0.5, text=" \n "))
    assert line.split()[:1] + line.split()[-1:] == ["○", "(nothing)"]


def test_at_80_columns_reasons_can_be_read() -> None:
    answer = Answer(
        text="",
        branches=(
            branch("root/step-0", score=0.5, value="x" * 60),
            branch("root/step-1", "truncated", reason="it reached max_depth=3", value="x" * 60),
        ),
    )
    lines = draw_threads(answer, width=80).splitlines()
    assert lines[2].endswith("…  it reached max_depth=3")
    assert "cached" not in lines[0]
    assert "cached" in draw_threads(answer, width=120)


def test_scores_are_data_that_json_can_hold() -> None:
    scores = [0.75, float("-inf"), None]
    data = thread_data(
        Answer(text="", branches=tuple(branch(f"root/{i}", score=s) for i, s in enumerate(scores)))
    )
    assert [one.get("score", "none") for one in data] == [0.75, None, "none"]
