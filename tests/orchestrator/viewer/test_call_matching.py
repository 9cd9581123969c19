from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.viewer.picture.call_matching import CallMatching, EndedCall, KeptRow


def row(id: int, path: str = "p", finish: str | None = "stop", tokens: int = 5) -> KeptRow:
    return KeptRow(id, path, finish, tokens, "")


def call(
    id: int,
    path: str = "p",
    state: str = "stop",
    tokens: int = 5,
    life: int = 0,
    replayed: bool = False,
) -> EndedCall:
    return EndedCall(id, path, state, tokens, life, replayed)


@given(st.lists(st.sampled_from(["p", "q"]), max_size=8), st.randoms(use_true_random=False))
def test_calls_are_the_rows_of_their_path_in_order_whichever_come_first(
    paths: list[str], chance: object
) -> None:
    matching, found = CallMatching(), {}
    things = [("call", i, path) for i, path in enumerate(paths)]
    things += [("row", i, path) for i, path in enumerate(paths)]
    # Calls among themselves, and rows among themselves, come in order.
    order = sorted(things, key=lambda thing: chance.random())  # type: ignore[attr-defined]
    numbers = {"call": iter(things[: len(paths)]), "row": iter(things[len(paths) :])}
    for kind, *_ in order:
        _, i, path = next(numbers[kind])
        pairs = (
            matching.add_call(call(i, path)) if kind == "call" else matching.add_row(row(i, path))
        )
        found.update({ended.id: kept.id for ended, kept in pairs})
    assert found == {i: i for i in range(len(paths))}


def test_a_call_that_was_left_is_the_row_that_did_not_end() -> None:
    matching = CallMatching()
    for kept in (row(1, finish="length"), row(2, finish=None, tokens=3), row(3)):
        assert not list(matching.add_row(kept))
    pairs = [*matching.add_call(call(10, state="aborted", tokens=3)), *matching.add_call(call(11))]
    assert [(ended.id, kept.id) for ended, kept in pairs] == [(10, 2), (11, 3)]


def test_a_row_may_come_to_its_end_later() -> None:
    matching = CallMatching()
    assert not list(matching.add_call(call(1)))
    assert not list(matching.add_row(row(7, finish=None, tokens=2)))
    ((ended, kept),) = matching.add_row(row(7))
    assert (ended.id, kept.id) == (1, 7)


def test_what_the_journal_answers_has_the_row_it_had_before() -> None:
    matching = CallMatching()
    for kept in (row(1), row(2)):
        assert not list(matching.add_row(kept))
    first = [*matching.add_call(call(1)), *matching.add_call(call(2))]
    again = [matching.add_call(call(i, life=1, replayed=True)) for i in (3, 4)]
    told = [(ended.id, kept.id) for pairs in (first, *again) for ended, kept in pairs]
    assert told == [(1, 1), (2, 2), (3, 1), (4, 2)]
    # What was not answered is none of them.
    assert not list(matching.add_call(call(5, life=1)))


def test_every_life_has_the_rows_anew() -> None:
    matching = CallMatching()
    lives = [
        call(10 * life + i, life=life, replayed=life > 0) for life in range(3) for i in range(2)
    ]
    # The events of all lives are read before the journal.
    assert not [pair for one in lives for pair in matching.add_call(one)]
    pairs = [pair for i in (1, 2) for pair in matching.add_row(row(i))]
    told = {ended.id: kept.id for ended, kept in pairs}
    assert {id: told.get(id) for id in (0, 1, 10, 11)} == {0: 1, 1: 2, 10: 1, 11: 2}


def test_many_calls_on_one_path_cost_no_more_than_on_many() -> None:
    matching = CallMatching()
    count = 20_000
    for id in range(count):
        assert not list(matching.add_call(call(id)))
    pairs = [pair for id in range(count) for pair in matching.add_row(row(id))]
    assert all(ended.id == kept.id for ended, kept in pairs)
    assert len(pairs) == count
