from __future__ import annotations

import re
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER, Dialect
from reasoning.forking.positions import Layout, block_layout, trie_layout

# Text, or threads side by side, each of which is a list of pieces.
Piece = int | list["Piece"]


def tokens_of(text: str) -> list[str]:
    """A tag is a token, as after tuning, and so is every word."""
    return re.findall(r"</?\w+>|[^<\s]+", text)


def matrix(layout: Layout) -> str:
    count = range(len(layout.positions))
    rows = ("".join("x" if layout.sees(i, j) else "." for j in count) for i in count)
    return "\n".join(rows)


# systems.md 2.2, point 5: token and position.
WORKED_EXAMPLE = """
p 0 <Parallel> 1 <Goal> 2 g 3 </Goal> 4
<Path> 5 a 6 a 7 </Path> 8
<Path> 5 b 6 b 7 b 8 b 9 </Path> 10
<Conclusion> 11 c 12 </Conclusion> 13 </Parallel> 14 e 15
"""
TOKENS = WORKED_EXAMPLE.split()[::2]
POSITIONS = WORKED_EXAMPLE.split()[1::2]


def test_the_worked_example_of_multiverse_takes_16_positions() -> None:
    layout = block_layout(TOKENS, MULTIVERSE)
    assert list(map(str, layout.positions)) == POSITIONS
    assert (len(TOKENS), layout.longest) == (20, 16)


def test_the_worked_example_hides_the_paths_from_each_other_only() -> None:
    layout = block_layout(TOKENS, MULTIVERSE)
    first, second = range(5, 9), range(9, 15)
    for i in range(20):
        for j in range(20):
            hidden = i in second and j in first
            assert layout.sees(i, j) == (j <= i and not hidden)


NESTED = """
<Parallel> <Goal> </Goal>
<Path> a
    <Parallel> <Goal> </Goal> <Path> x </Path> <Path> y y </Path> </Parallel>
</Path>
<Path> b </Path>
</Parallel> e
"""


def test_a_block_in_a_path_begins_and_ends_within_the_path() -> None:
    layout = block_layout(tokens_of(NESTED), MULTIVERSE)
    outer = (0, 1, 2), (3, 4, 5, 6, 7), (8, 9, 10), (8, 9, 10, 11), (12, 13), (3, 4, 5), (14, 15)
    assert layout.positions == tuple(chain(*outer))
    assert layout.longest == 16


def test_a_nested_path_sees_what_leads_to_it() -> None:
    tokens = tokens_of(NESTED)
    layout = block_layout(tokens, MULTIVERSE)
    a, x, y, b, end = (tokens.index(token) for token in ("a", "x", "y", "b", "e"))
    inner_end = y + 3
    assert layout.sees(x, a)
    assert layout.sees(y, a)
    assert not layout.sees(y, x)
    assert layout.sees(inner_end, x)
    assert layout.sees(inner_end, y)
    assert not any(layout.sees(b, token) for token in (a, x, y, inner_end))
    assert all(layout.sees(end, token) for token in (a, x, y, b))


def test_white_space_before_a_thread_is_part_of_its_header() -> None:
    tokens = ["</Goal>", "\n", "<Path>", "\n", "a", "</Path>", "\n", "<Path>", "</Path>", "\n", "c"]
    layout = block_layout(tokens, MULTIVERSE)
    assert layout.positions == (0, 1, 2, 3, 4, 5, 1, 2, 3, 6, 7)
    assert not layout.sees(6, 5)
    assert layout.sees(9, 5)


def test_blocks_that_follow_each_other_see_each_other() -> None:
    tokens = tokens_of("<Path> a </Path> between <Path> b </Path> <Path> c </Path>")
    layout = block_layout(tokens, MULTIVERSE)
    a, b, c = (tokens.index(token) for token in "abc")
    assert layout.sees(b, a)
    assert layout.sees(c, a)
    assert not layout.sees(c, b)


def test_a_tag_may_be_many_tokens_and_end_within_one() -> None:
    tokens = ["g", "</Go", "al", ">\n<", "Pa", "th>", "a", "</", "Path", "><Path", ">b", "</Path>"]
    # `>\n<` and `><Path` begin before the thread does.
    assert block_layout(tokens, MULTIVERSE).positions == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 5)


def test_tokens_without_text_are_counted() -> None:
    layout = block_layout(["", "a", "", "<Path>", "", "b", "</Path>", "", ""], MULTIVERSE)
    assert layout.positions == (0, 1, 2, 3, 4, 5, 6, 7, 8)
    assert len(layout.threads) == 9


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("", []),
        ("a b", [0, 1]),
        ("</Path> a </Path>", [0, 1, 2]),
        ("a <Path> b <Parallel> c", [0, 1, 2, 3, 4]),
        ("a </Goal> <Path> b </Goal> c", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_a_text_that_is_not_balanced_has_positions_too(text: str, positions: list[int]) -> None:
    assert list(block_layout(tokens_of(text), MULTIVERSE).positions) == positions


def test_blocks_may_be_nested_a_thousand_times() -> None:
    layout = block_layout(["<Parallel>", "<Path>"] * 2000, MULTIVERSE)
    assert layout.longest == 4000


def written(pieces: list[Piece], dialect: Dialect) -> list[str]:
    tokens: list[str] = []
    for piece in pieces:
        if isinstance(piece, int):
            tokens += ["w"] * piece
        else:
            for thread in piece:
                assert isinstance(thread, list)
                inside = written(thread, dialect)
                tokens += [f"<{dialect.thread}>", *inside, f"</{dialect.thread}>"]
    return tokens


def length(pieces: list[Piece]) -> int:
    """Of the longest path, by the definition."""
    total = 0
    for piece in pieces:
        if isinstance(piece, int):
            total += piece
        else:
            total += max(length(thread) + 2 for thread in piece if isinstance(thread, list))
    return total


NESTINGS: st.SearchStrategy[list[Piece]] = st.recursive(
    st.lists(st.integers(1, 5), max_size=2),
    lambda inner: st.tuples(st.integers(1, 4), st.lists(inner, min_size=1, max_size=3)).map(list),
    max_leaves=12,
)


@given(pieces=NESTINGS, dialect=st.sampled_from([MULTIVERSE, THREADWEAVER]))
def test_the_layout_of_any_nesting(pieces: list[Piece], dialect: Dialect) -> None:
    layout = block_layout(written(pieces, dialect), dialect)
    assert layout.longest == length(pieces)
    for i, position in enumerate(layout.positions):
        seen = [j for j in range(len(layout.positions)) if layout.sees(i, j)]
        # Rotary positions: what is seen stands before, and every path is seen without a gap.
        assert seen[-1] == i
        assert max(layout.positions[j] for j in seen) == position
        assert {layout.positions[j] for j in seen} == set(range(position + 1))


def test_threads_of_threadweaver_stand_at_their_depth_in_the_trie_of_contexts() -> None:
    context, threads, rest = (1, 2, 3), [(4, 5), (4, 6, 7)], (8, 9)
    merged = (*context, *threads[0], *threads[1], *rest)
    layout = trie_layout([*((*context, *thread) for thread in threads), merged])
    #                            1 2 3 4 5          then the threads merged        the second thread
    assert layout.positions == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 5)
    assert layout.longest == len(merged)


def test_in_a_trie_a_token_sees_what_leads_to_it() -> None:
    layout = trie_layout([(1, 2, 3), (1, 2, 4, 5), (1, 6)])
    assert matrix(layout).split() == ["x.....", "xx....", "xxx...", "xx.x..", "xx.xx.", "x....x"]


SEQUENCES = st.lists(st.lists(st.integers(0, 2), max_size=5), max_size=5)


@given(sequences=SEQUENCES)
def test_any_trie_holds_each_prefix_once(sequences: list[list[int]]) -> None:
    layout = trie_layout(sequences)
    prefixes = {tuple(sequence[: n + 1]) for sequence in sequences for n in range(len(sequence))}
    assert sorted(layout.positions) == sorted(len(prefix) - 1 for prefix in prefixes)
    for i, position in enumerate(layout.positions):
        seen = [j for j in range(len(layout.positions)) if layout.sees(i, j)]
        assert [layout.positions[j] for j in seen] == list(range(position + 1))
