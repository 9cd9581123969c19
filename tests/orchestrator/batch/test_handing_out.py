"""Which rows actors get, and which are blamed when they die."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.batch.handing_out import HandingOut
from orchestrator.batch.row import Row
from orchestrator.openai_api.model_request import ModelRequest


def rows(count: int) -> list[Row]:
    asked = ModelRequest(turns=(), sampling={})
    return [Row(line=line, id=line, kind="plain", request=asked) for line in range(count)]


def lines(taken: list[Row]) -> list[int]:
    return [row.line for row in taken]


@given(st.data())
def test_every_row_ends_once_and_only_those_that_kill_are_blamed(data: st.DataObject) -> None:
    count, actors = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 4))
    deadly = data.draw(st.sets(st.integers(0, count - 1), max_size=3))
    handing = HandingOut(iter(rows(count)))
    held: dict[int, set[int]] = {actor: set() for actor in range(actors)}
    ended: Counter[int] = Counter()
    blamed: set[int] = set()
    accidents = 2
    while not handing.ended:
        for actor in range(actors):
            held[actor] |= set(lines(handing.take(actor, 8)))
            assert len(held[actor]) == handing.count(actor) <= 8
            accident = accidents > 0 and data.draw(st.booleans())
            if accident or held[actor] & deadly:
                accidents -= accident
                held[actor].clear()
                if (guilty := handing.lost(actor)) is not None:
                    blamed.add(guilty.line)
                    ended[guilty.line] += 1
            elif held[actor]:
                line = held[actor].pop()
                handing.done(actor, line)
                ended[line] += 1
    assert ended == Counter(range(count))
    assert deadly <= blamed
    # One that meets a row alone can look like its fault.
    assert len(blamed - deadly) <= 2


def test_rows_are_pulled_only_when_they_are_taken() -> None:
    source = iter(rows(100))
    handing = HandingOut(source)
    assert lines(handing.take(0, 3)) == [0, 1, 2]
    handing.done(0, 1)
    assert lines(handing.take(0, 3)) == [3]
    assert next(source).line == 4
    assert not handing.ended


def test_rows_of_a_dead_actor_go_to_others_before_new_ones() -> None:
    handing = HandingOut(iter(rows(10)))
    handing.take(0, 3)
    assert handing.lost(0) is None
    assert lines(handing.take(1, 5)) == [0, 1, 2, 3, 4]


def test_once_stopped_nothing_comes_back() -> None:
    handing = HandingOut(iter(rows(10)))
    handing.take(0, 3)
    handing.take(1, 3)
    handing.stop()
    assert handing.lost(0) is None
    handing.give_back(1, 3)
    assert handing.take(2, 5) == []


def test_rows_that_saw_two_actors_die_are_tried_alone_while_others_go_on() -> None:
    handing = HandingOut(iter(rows(10)))
    for actor in (0, 1):
        assert lines(handing.take(actor, 3)) == [0, 1, 2]
        assert handing.lost(actor) is None
    assert lines(handing.take(2, 3)) == [0]
    assert lines(handing.take(2, 3)) == []
    assert lines(handing.take(3, 3)) == [3, 4, 5]
    handing.done(2, 0)
    assert lines(handing.take(2, 3)) == [1]
    guilty = handing.lost(2)
    assert guilty is not None
    assert guilty.line == 1
    # The third is cleared.
    assert lines(handing.take(2, 3)) == [2, 6, 7]


def test_a_row_that_is_the_only_one_is_blamed_at_the_second_death() -> None:
    handing = HandingOut(iter(rows(1)))
    handing.take(0, 8)
    assert handing.lost(0) is None
    handing.take(0, 8)
    assert handing.lost(0) is not None
    assert handing.take(0, 8) == []
    assert handing.ended


def test_who_has_to_try_rows_alone_first_ends_what_it_has() -> None:
    handing = HandingOut(iter(rows(8)))
    handing.take(0, 2)
    handing.lost(0)
    handing.take(0, 2)
    handing.take(1, 2)
    handing.lost(0)
    assert handing.take(1, 4) == []
    handing.done(1, 2)
    assert handing.take(1, 4) == []
    handing.done(1, 3)
    assert lines(handing.take(1, 4)) == [0]


def test_what_is_given_back_is_somebody_elses_also_what_has_to_be_tried_alone() -> None:
    handing = HandingOut(iter(rows(4)))
    for actor in (0, 1):
        handing.take(actor, 2)
        handing.lost(actor)
    assert lines(handing.take(2, 2)) == [0]
    handing.give_back(2, 0)
    handing.pause(2)
    assert lines(handing.take(3, 2)) == [1]
    handing.done(3, 1)
    assert lines(handing.take(3, 2)) == [0, 2]
