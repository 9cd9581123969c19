"""A figure of the headline table: its goal, its cells, and its way through JSON."""

from __future__ import annotations

import json

import pytest

from benchmarks.gpu.figure import HEADERS, Figure, markdown


@pytest.mark.parametrize(
    ("better", "value", "reached"),
    [("more", 0.95, True), ("more", 0.949, False), ("less", 0.95, True), ("less", 0.951, False)],
)
def test_a_goal_is_reached_from_its_own_side(better: str, value: float, reached: bool) -> None:
    figure = Figure(what="a", beside="b", value=value, goal=0.95, better=better)  # type: ignore[arg-type]
    assert figure.reached is reached
    assert ("reached" if reached else "missed") in figure.cells()[3]


def test_without_a_goal_nothing_is_reached_or_missed() -> None:
    figure = Figure(what="a", beside="b", value=2)
    assert figure.reached is None
    assert figure.cells() == ["a", "b", "2.00x", "", ""]


@pytest.mark.parametrize(
    ("value", "shown"), [(0.5, "0.50x"), (1.071, "1.071x"), (3.6, "3.60x"), (12345.6, "12,346x")]
)
def test_figures_are_rounded_to_what_can_be_told(value: float, shown: str) -> None:
    assert Figure(what="a", beside="b", value=value).cells()[2] == shown


def test_a_figure_comes_back_from_json() -> None:
    figure = Figure(
        what="64 threads", beside="generate", value=0.9, goal=1.071, better="less", unit=" s",
        detail="1 beside 2", data={"rounds": [1.0, 2.5], "of": {"a": 1}},
    )  # fmt: skip
    assert Figure.from_json(json.loads(json.dumps(figure.to_json()))) == figure


def test_the_table_has_a_cell_for_each_header_in_every_line() -> None:
    rows = [["forks", *Figure(what="64", beside="b", value=5, goal=4).cells()]] * 2
    lines = markdown(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [len(line.split("|")) for line in lines] == [len(HEADERS) + 2] * 4
