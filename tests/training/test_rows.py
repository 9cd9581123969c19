from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.rows import Rows, TooLong, packed
from training.trie import Trie, trie_of
from training.unit import Unit

LENGTH = 12
TRIES = st.lists(
    st.lists(
        st.builds(
            Unit,
            context=st.just((7, 8)),
            completion=st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=2,
    ).map(trie_of),
    min_size=1,
    max_size=10,
)


def chain(size: int) -> Trie:
    return trie_of([Unit((1,) * (size - 1), (2,))])


def content(rows: Rows) -> list[list[tuple[int, ...]]]:
    """For each row, what each token of it sees, itself included."""
    return [
        [
            tuple(int(token) for i, token in enumerate(tokens[: index + 1]) if index < ends[i])
            for index in range(len(tokens))
        ]
        for tokens, ends in zip(rows.tokens, rows.ends, strict=True)
    ]


def whole(trie: Trie) -> list[tuple[int, ...]]:
    return [
        tuple(trie.tokens[i] for i in range(index + 1) if index < trie.ends[i])
        for index in range(len(trie))
    ]


@given(TRIES)
def test_a_trie_sees_itself_only_wherever_it_lies(tries: list[Trie]) -> None:
    rows = packed(iter(tries), len(tries), LENGTH)
    found = [seen for row in content(rows) for seen in row if seen != (0,)]
    assert sorted(found) == sorted(seen for trie in tries for seen in whole(trie))


@given(TRIES)
def test_parents_positions_and_losses_move_with_their_tries(tries: list[Trie]) -> None:
    rows = packed(iter(tries), len(tries), LENGTH)
    for tokens, positions, parents in zip(rows.tokens, rows.positions, rows.parents, strict=True):
        for index, parent in enumerate(parents):
            if parent >= 0:
                assert positions[index] == positions[parent] + 1
                assert tokens[parent] != 0
            else:
                assert positions[index] == 0
    assert rows.learned.sum() == sum(sum(trie.learned) for trie in tries)


def test_what_is_left_over_is_seen_by_itself_and_never_learnt() -> None:
    rows = packed(iter([chain(5)]), 2, 8)
    assert rows.ends[0].tolist() == [5, 5, 5, 5, 5, 6, 7, 8]
    assert rows.ends[1].tolist() == list(range(1, 9))
    assert np.all(rows.parents[0, 5:] == -1)
    assert not rows.learned[0, 5:].any()
    assert not rows.learned[1].any()
    assert rows.filled.sum() == 5


@pytest.mark.parametrize(
    ("sizes", "filled"),
    [((4, 4, 5, 3), [8, 8]), ((3, 3, 5, 5), [8, 8]), ((5, 4, 8), [5, 4]), ((8, 8, 1), [8, 8])],
)
def test_short_ones_fill_what_long_ones_leave_until_one_is_too_many(
    sizes: tuple[int, ...], filled: list[int]
) -> None:
    rows = packed(map(chain, sizes), 2, 8)
    assert rows.filled.sum(axis=1).tolist() == filled


def test_rows_are_nearly_full_and_none_is_left_out_but_the_last() -> None:
    random = Random(0)
    drawn: list[int] = []

    def endless() -> Iterator[Trie]:
        while True:
            drawn.append(random.randint(1, 20))
            yield chain(drawn[-1])

    rows = packed(endless(), 20, 20)
    assert rows.filled.mean() > 0.9
    assert rows.filled.sum() == sum(drawn[:-1])


def test_no_more_are_taken_than_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[Trie]:
        nonlocal taken
        while True:
            taken += 1
            yield chain(4)

    rows = packed(endless(), 2, 8)
    assert np.all(rows.tokens != 0)
    # The one that no longer fits is the last that is looked at.
    assert taken == 5


def test_a_trie_as_long_as_a_row_fits_and_a_longer_one_is_refused() -> None:
    assert np.all(packed(iter([chain(8)]), 1, 8).tokens != 0)
    with pytest.raises(TooLong, match="a lesson of 9 tokens does not fit into a row of 8"):
        packed(iter([chain(9)]), 1, 8)
