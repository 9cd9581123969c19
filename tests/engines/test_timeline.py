from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.timeline import Timeline

changes = st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 100)), min_size=1, max_size=30)


@given(changes, st.sampled_from([0.0, 1e5]))
def test_area_and_peak_are_kept_whatever_is_thinned(
    steps: list[tuple[float, int]], origin: float
) -> None:
    timeline, now, value, area = Timeline(), origin, 0, 0.0
    for wait, next_value in steps:
        now += wait
        # Nothing was known before the first one.
        area += value * wait
        timeline.set(next_value, now)
        value = next_value
    assert timeline.value == value
    assert timeline.peak == max(value for _, value in steps)
    # Late on a clock, a short wait is known to some 1e-11 s.
    assert timeline.area == pytest.approx(area, abs=1e-7)
    spans = timeline.spans
    assert len(spans) <= 256
    assert max(span.peak for span in spans) == timeline.peak
    assert sum(span.mean * span.seconds for span in spans) == pytest.approx(area, abs=1e-3)
    assert all(-1e-6 <= span.mean <= span.peak + 1e-3 for span in spans if span.seconds > 1e-3)
    for before, after in pairwise(spans):
        assert after.start == pytest.approx(before.start + before.seconds)


def test_it_says_what_was_when() -> None:
    timeline = Timeline()
    for time, value in ((100, 4), (130, 10), (130, 6), (160, 0), (200, 0)):
        timeline.set(value, time)
    spans = {span.start: span for span in timeline.spans}
    assert (spans[10].mean, spans[10].peak) == (4, 4)
    # A peak that took no time.
    assert (spans[30].mean, spans[30].peak) == (6, 10)
    assert (spans[59.5].mean, spans[80].mean) == (6, 0)
    assert timeline.spans[-1].start == 100


def test_a_timeline_that_never_began_is_empty() -> None:
    timeline = Timeline()
    assert (timeline.value, timeline.peak, timeline.area, timeline.spans) == (0, 0, 0.0, ())
