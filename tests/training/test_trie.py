from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from training.trie import Trie, trie_of
from training.unit import Unit

# Few ids, so that units have much in common.
IDS = st.lists(st.integers(1, 3), max_size=6).map(tuple)
UNITS = st.lists(
    st.builds(
        Unit,
        context=IDS.map(lambda ids: (0, *ids)),
        completion=IDS,
        learned=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def seen(trie: Trie, index: int) -> list[int]:
    """The indices that a token sees, itself included, by the rule of the trie."""
    return [i for i in range(index + 1) if index < trie.ends[i]]


def place(trie: Trie, ids: Sequence[int]) -> int:
    """The index of the last of these ids, found by going through the trie from parent to child."""
    at = -1
    for token in ids:
        (at,) = (
            index
            for index in range(len(trie))
            if trie.parents[index] == at and trie.tokens[index] == token
        )
    return at


@given(UNITS)
def test_each_unit_is_computed_as_if_it_stood_alone(units: list[Unit]) -> None:
    trie = trie_of(units)
    for unit in units:
        ids = (*unit.context, *unit.completion)
        indices = seen(trie, place(trie, ids))
        assert trie.tokens[indices].tolist() == list(ids)
        assert trie.positions[indices].tolist() == list(range(len(ids)))
        assert trie.parents[indices].tolist() == [-1, *indices[:-1]]


@given(UNITS)
def test_what_units_have_in_common_is_there_once(units: list[Unit]) -> None:
    prefixes = {
        (*unit.context, *unit.completion)[: length + 1]
        for unit in units
        for length in range(len(unit.context) + len(unit.completion))
    }
    trie = trie_of(units)
    assert len(trie) == len(prefixes)
    assert {
        tuple(trie.tokens[i] for i in seen(trie, index)) for index in range(len(trie))
    } == prefixes


@given(UNITS)
def test_a_token_is_learnt_where_a_completion_that_is_to_be_learnt_has_it(
    units: list[Unit],
) -> None:
    wanted = {
        (*unit.context, *unit.completion[: length + 1])
        for unit in units
        if unit.learned
        for length in range(len(unit.completion))
    }
    trie = trie_of(units)
    learnt = {
        tuple(trie.tokens[i] for i in seen(trie, index))
        for index in range(len(trie))
        if trie.learned[index]
    }
    assert learnt == wanted


def test_the_drawing_in_its_docstring() -> None:
    q, o, a = 10, 11, 12
    trie = trie_of([Unit((q, o), (1,)), Unit((q, o), (2,)), Unit((q, o, 1, 2), (a,))])
    assert trie.tokens.tolist() == [q, o, 1, 2, a, 2]
    assert trie.ends.tolist() == [6, 6, 5, 5, 5, 6]
    assert trie.positions.tolist() == [0, 1, 2, 3, 4, 2]
    assert trie.parents.tolist() == [-1, 0, 1, 2, 3, 1]
    # What was a thread's own is part of a prompt later; it is learnt all the same.
    assert trie.learned.tolist() == [False, False, True, False, True, True]


def test_no_units_make_an_empty_trie() -> None:
    assert len(trie_of([])) == 0
