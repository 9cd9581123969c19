from __future__ import annotations

from benchmarks.search_waves import DEPTH, row, searched


def test_where_all_steps_take_the_same_barriers_cost_nothing() -> None:
    searches = {searched(1, "all the same", fraction) for fraction in (1.0, 0.5)}
    assert {search.seconds for search in searches} == {DEPTH}
    assert len(searches) == 1


def test_a_row_tells_how_much_sooner_searches_end_and_what_they_solve() -> None:
    cells = row("1 of 10 takes 10 times as long", 2)
    assert [cell[-1] for cell in cells[4:]] == ["x", "x", "%", "%", "%"]
    assert float(cells[4][:-1]) > 1.2
