"""How sure a model was, against the plain definitions."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Completion, Context, Logprob, Segment, TokenLogprobs, Usage
from reasoning import Answer
from reasoning.voting.confidence import (
    Confidence,
    ConfidenceTrace,
    confidence_of,
    percentile_threshold,
    token_confidence,
)
from tests.reasoning.confident_replies import place

CONFIDENCES = st.floats(0, 50)
UNKNOWN = [math.nan, -math.inf, math.inf, -9999.0, -3.4e38]


def tokens(*values: float) -> TokenLogprobs:
    top = tuple(Logprob(str(i), value) for i, value in enumerate(values))
    return TokenLogprobs(Logprob("0", -0.5), top)


def plainly(values: Sequence[float], window: int) -> Confidence:
    """The definitions, one after another."""
    windows = [values[i : i + window] for i in range(len(values) - window + 1)] or [values]
    means = sorted(statistics.fmean(group) for group in windows)
    return Confidence(
        mean=statistics.fmean(values),
        tail=statistics.fmean(values[-window:]),
        bottom=statistics.fmean(means[: max(1, len(means) // 10)]),
        lowest=means[0],
    )


def close(first: Confidence, second: Confidence) -> bool:
    pairs = [
        (first.mean, second.mean),
        (first.tail, second.tail),
        (first.bottom, second.bottom),
        (first.lowest, second.lowest),
    ]
    return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in pairs)


def test_a_token_s_confidence_is_minus_the_mean_of_the_likeliest() -> None:
    assert token_confidence(tokens(-1.0, -2.0, -6.0)) == 3.0


def test_a_sure_token_has_more_confidence_than_an_unsure_one() -> None:
    def spread(first: float) -> TokenLogprobs:
        return tokens(math.log(first), *[math.log((1 - first) / 19)] * 19)

    known = [token_confidence(spread(p)) for p in (0.05, 0.5, 0.9, 0.999)]
    assert known == sorted(known, key=lambda value: value or 0)
    assert len(set(known)) == 4


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_what_is_not_known_of_a_token_is_left_out(unknown: float) -> None:
    assert token_confidence(tokens(-1.0, unknown, -2.0, unknown)) == 1.5


@pytest.mark.parametrize("values", [(), (-0.1,), (math.nan,) * 20, (-math.inf, -1.0)])
def test_a_token_without_alternatives_says_nothing(values: tuple[float, ...]) -> None:
    assert token_confidence(tokens(*values)) is None


@given(st.lists(st.none() | CONFIDENCES, max_size=60), st.integers(1, 20))
def test_a_thread_s_confidence_is_what_the_definitions_say(
    values: list[float | None], window: int
) -> None:
    found = [tokens(math.nan) if value is None else place(value) for value in values]
    known = [value for value in values if value is not None]
    confidence = confidence_of(found, window=window)
    if confidence is None:
        assert known == []
    else:
        assert close(confidence, plainly(known, window))
        assert confidence.lowest <= confidence.bottom


@given(st.lists(CONFIDENCES, min_size=1, max_size=40), st.integers(1, 12))
def test_the_tail_is_the_last_window_also_while_it_is_not_full(
    values: list[float], window: int
) -> None:
    trace = ConfidenceTrace(window)
    assert trace.confidence is None
    for end, value in enumerate(values, start=1):
        trace.add([place(value)])
        assert trace.confidence is not None
        last = statistics.fmean(values[max(0, end - window) : end])
        assert math.isclose(trace.confidence.tail, last, abs_tol=1e-9)
        assert math.isinf(trace.lowest_full) == (end < window)


def test_windows_stay_exact_over_a_hundred_thousand_tokens_of_very_different_sizes() -> None:
    rng = random.Random(7)
    window, count = 2048, 100_000
    # Some are huge, and leave nothing behind when they leave the window. All have an exact sum.
    values = [
        rng.randrange(2**14) / 2**10 + (9000 if rng.random() < 1e-4 else 0) for _ in range(count)
    ]
    trace = ConfidenceTrace(window)
    trace.add([tokens(-value, -value) for value in values])
    sums = [0.0, *accumulate(values)]
    means = sorted((b - a) / window for a, b in zip(sums, sums[window:], strict=False))
    confidence = trace.confidence
    assert confidence is not None
    expected = Confidence(
        mean=sums[-1] / count,
        tail=(sums[-1] - sums[-1 - window]) / window,
        bottom=statistics.fmean(means[: len(means) // 10]),
        lowest=means[0],
    )
    assert close(confidence, expected)
    assert confidence.lowest == means[0]


@given(st.lists(st.floats(0, 9000), max_size=20), st.lists(CONFIDENCES, min_size=5, max_size=5))
def test_a_window_is_what_its_own_tokens_make_it_whatever_came_before(
    before: list[float], values: list[float]
) -> None:
    fresh, used = ConfidenceTrace(5), ConfidenceTrace(5)
    fresh.add(map(place, values))
    used.add(map(place, [*before, *values]))
    assert fresh.confidence is not None
    assert used.confidence is not None
    assert used.confidence.tail == fresh.confidence.tail


@given(
    st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=4), max_size=12),
    st.integers(1, 5),
)
def test_no_logprobs_whatever_give_nan_or_an_error(found: list[list[float]], window: int) -> None:
    confidence = confidence_of([tokens(*values) for values in found], window=window)
    if confidence is not None:
        for value in (confidence.mean, confidence.tail, confidence.bottom, confidence.lowest):
            assert math.isfinite(value)
            assert value >= 0


@given(st.lists(CONFIDENCES, min_size=2, max_size=40))
def test_the_threshold_is_a_percentile(values: list[float]) -> None:
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    assert math.isclose(percentile_threshold(values, 90), tenths[0], abs_tol=1e-9)
    assert math.isclose(percentile_threshold(values, 10), tenths[-1], abs_tol=1e-9)
    assert percentile_threshold(values, 100) == min(values)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=40), st.floats(0.001, 100))
def test_somebody_always_reaches_the_threshold(values: list[float], keep: float) -> None:
    assert min(values) <= percentile_threshold(values, keep) <= max(values)


def test_an_answer_carries_the_confidence_of_its_completion() -> None:
    def answer(*logprobs: TokenLogprobs) -> Answer:
        context = Context(Segment("assistant", "4", (52,)), name="root")
        completion = Completion(
            context=context,
            text="4",
            finish_reason="stop",
            stop_reason=None,
            usage=Usage(),
            logprobs=logprobs,
        )
        return Answer.from_completion(completion, window=1)

    confidence = answer(place(3.0), place(1.0)).confidence
    assert confidence is not None
    assert [confidence.by("mean"), confidence.by("tail"), confidence.by("lowest")] == [2, 1, 1]
    assert answer().confidence is None
