from __future__ import annotations

from hypothesis import given

from orchestrator.viewer.picture.layout import Place, crossings, laid_out
from tests.orchestrator.plans import Dependencies, dags


@given(dags())
def test_edges_go_up_and_every_place_is_taken_once(needs: Dependencies) -> None:
    layout = laid_out(needs)
    assert sorted(layout) == sorted(needs)
    assert all(
        layout[name].layer < layout[node].layer for node, below in needs.items() for name in below
    )
    layers = [place.layer for place in layout.values()]
    assert sorted(layout.values()) == [
        Place(layer, place) for layer in sorted(set(layers)) for place in range(layers.count(layer))
    ]


@given(dags())
def test_there_are_no_more_crossings_than_in_the_order_of_the_plan(needs: Dependencies) -> None:
    layout = laid_out(needs)
    counts: dict[int, int] = {}
    plain = {}
    for node in needs:
        layer = layout[node].layer
        plain[node] = Place(layer, counts.get(layer, 0))
        counts[layer] = counts.get(layer, 0) + 1
    assert crossings(layout, needs) <= crossings(plain, needs)


def test_a_twisted_ladder_is_untwisted() -> None:
    needs: Dependencies = {f"a{i}": () for i in range(50)}
    needs |= {f"b{i}": (f"a{49 - i}",) for i in range(50)}
    assert crossings(laid_out(needs), needs) == 0


@given(dags())
def test_what_is_there_keeps_its_order_while_a_plan_grows(needs: Dependencies) -> None:
    large = {f"x{i}": (f"x{i - 10}",) if i >= 10 else () for i in range(60)}
    before = laid_out(large)
    grown = laid_out({**large, **needs, "new": ("x59", *needs)}, before)
    order = sorted(large, key=lambda node: grown[node])
    assert order == sorted(large, key=lambda node: before[node])


def test_what_is_not_in_the_plan_is_passed_over() -> None:
    assert laid_out({"a": ("gone",), "b": ("a",)}) == {"a": Place(0, 0), "b": Place(1, 0)}
    assert laid_out({}) == {}
