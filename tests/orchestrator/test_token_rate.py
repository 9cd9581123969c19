from __future__ import annotations

import pytest

from orchestrator.runs.token_rate import TokenRate


def rates(*looks: tuple[float, int]) -> list[float]:
    rate = TokenRate()
    return [rate.look(now=now, tokens=tokens) for now, tokens in looks]


def test_a_clock_that_begins_anew_when_the_engine_is_there_is_followed() -> None:
    found = rates((0.0, 0), (44.0, 0), (0.2, 0), (5.2, 50), (10.2, 100), (14.2, 180))
    assert found == pytest.approx([0, 0, 0, 10, 10, 130 / 9])


def test_looks_that_are_further_apart_than_the_window_still_tell_a_rate() -> None:
    assert rates((0, 0), (10, 100), (20, 300)) == [0, 10, 20]


def test_what_is_long_ago_counts_no_more() -> None:
    fast = [(second / 4, 25 * second) for second in range(40)]
    slow = [(10 + second / 4, 1000) for second in range(22)]
    assert rates(*fast, *slow)[39] == 100
    assert rates(*fast, *slow)[-1] == 0
