from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestrator.execution.places import Place, Places, Wait


class Part:
    """A part of a node that waits, and whether it goes on."""

    def __init__(self, place: Place) -> None:
        self.goes_on = False
        self.wait = Wait(place, self._go_on)

    def _go_on(self) -> None:
        self.goes_on = True


def taken(limit: int, names: str) -> tuple[Places, list[Place]]:
    places = Places(limit)
    assert all(places.take() for _ in names)
    return places, [Place(places, node=name) for name in names]


def lent(places: Places, place: Place) -> Part:
    part = Part(place)
    places.lend(part.wait)
    return part


def test_there_are_as_many_places_as_the_limit_allows() -> None:
    places = Places(2)
    assert [places.take() for _ in range(3)] == [True, True, False]
    places.release()
    assert places.take()


def test_a_place_that_becomes_free_goes_to_the_one_that_has_waited_longest_to_come_back() -> None:
    places, (a, b) = taken(2, "ab")
    first, second = lent(places, a), lent(places, b)
    assert [places.take(), places.take(), places.take()] == [True, True, False]
    for part in (second, first):
        places.finish(part.wait)
    assert not first.goes_on
    assert not second.goes_on
    assert places.wanted
    places.release()
    assert (second.goes_on, first.goes_on) == (True, False)
    places.release()
    assert first.goes_on
    assert not places.wanted
    assert places.taken == 2


def test_a_part_needs_no_place_while_another_part_of_its_node_waits() -> None:
    places, (a,) = taken(1, "a")
    first, second = lent(places, a), lent(places, a)
    assert [places.take(), places.take()] == [True, False]
    places.finish(first.wait)
    assert first.goes_on
    places.finish(second.wait)
    assert not second.goes_on
    places.release()
    assert second.goes_on
    assert places.taken == 1


def test_a_node_of_which_another_part_began_to_wait_passes_the_place_on() -> None:
    places, (a,) = taken(1, "a")
    first = lent(places, a)
    assert places.take()
    places.finish(first.wait)
    second = lent(places, a)
    places.release()
    assert first.goes_on
    assert places.taken == 0
    places.finish(second.wait)
    assert second.goes_on
    assert places.taken == 1


def test_a_cancelled_wait_takes_its_place_back_even_where_there_is_none() -> None:
    places, (a,) = taken(1, "a")
    part = lent(places, a)
    assert places.take()
    places.finish(part.wait)
    places.abandon(part.wait)
    assert (part.goes_on, places.taken, places.wanted) == (True, 2, True)
    places.release()
    assert (places.taken, places.wanted) == (1, False)


def test_above_the_limit_nobody_comes_back() -> None:
    places, (a,) = taken(1, "a")
    cancelled = lent(places, a)
    assert places.take()
    returning = lent(places, Place(places))
    assert places.take()
    places.finish(returning.wait)
    places.abandon(cancelled.wait)
    assert places.taken == 2
    places.release()
    assert (places.taken, returning.goes_on) == (1, False)
    places.release()
    assert (places.taken, returning.goes_on) == (1, True)


def test_who_has_no_place_lends_none() -> None:
    places = Places(1)
    part = lent(places, Place(places, waits=1))
    assert places.taken == 0
    assert places.take()
    places.finish(part.wait)
    assert part.goes_on
    assert places.taken == 1


def test_nodes_that_wait_while_nobody_runs_are_stuck() -> None:
    places, (b, a) = taken(2, "ba")
    lent(places, b)
    assert places.stuck == []
    part = lent(places, a)
    assert places.stuck == ["a", "b"]
    places.abandon(part.wait)
    assert places.stuck == []


@dataclass(eq=False)
class Running:
    place: Place
    parts: list[Part] = field(default_factory=list)


class AnyLife(RuleBasedStateMachine):
    """Nodes of two parts that begin, wait, come back, are cancelled and end in any order."""

    LIMIT = 2

    def __init__(self) -> None:
        super().__init__()
        self.places = Places(self.LIMIT)
        self.nodes: list[Running] = []
        self.abandoned = False

    def waiting(self) -> list[tuple[Running, Part]]:
        return [(node, part) for node in self.nodes for part in node.parts if not part.goes_on]

    @rule()
    def begin(self) -> None:
        if self.places.take():
            self.nodes.append(Running(Place(self.places, node=str(len(self.nodes)))))

    @precondition(lambda self: self.nodes)
    @rule(data=st.data())
    def wait(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(self.nodes))
        if sum(not part.goes_on for part in node.parts) < 2:
            node.parts.append(lent(self.places, node.place))

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), cancelled=st.booleans())
    def end_a_wait(self, data: st.DataObject, cancelled: bool) -> None:
        _, part = data.draw(st.sampled_from(self.waiting()))
        if cancelled:
            self.places.abandon(part.wait)
            self.abandoned = True
            assert part.goes_on
        elif part.wait not in self.places._returning:
            self.places.finish(part.wait)

    @precondition(lambda self: self.nodes)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(self.nodes))
        if not node.place.waits:
            self.nodes.remove(node)
            self.places.release()

    @invariant()
    def as_many_are_taken_as_nodes_have_no_part_that_waits(self) -> None:
        assert self.places.taken == sum(not node.place.waits for node in self.nodes)
        if not self.abandoned:
            assert self.places.taken <= self.LIMIT

    @invariant()
    def nobody_waits_for_a_place_while_one_is_free(self) -> None:
        assert self.places.taken >= self.LIMIT or not self.places._returning


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=60, stateful_step_count=30)
