from __future__ import annotations

import pytest

from engines import Status, Usage
from evals.evaluation.tally import Tally
from orchestrator import GenerationFinished, NodeFinished, NodeStarted, TokensGenerated


def end(tally: Tally, status: Status = "ok") -> None:
    tally.hear(NodeStarted(node="a"))
    tally.hear(NodeFinished(node="a", status=status))


def call(tokens: int, *, replayed: bool = False) -> GenerationFinished:
    return GenerationFinished(
        node="a",
        path="a",
        usage=Usage(generated_tokens=tokens),
        finish_reason="stop",
        seconds=1,
        replayed=replayed,
    )


def test_what_is_known_stands_in_a_line() -> None:
    tally = Tally(1200, there=200)
    assert tally.line(0.0) == "200 of 1,200 samples"
    tally.hear(NodeStarted(node="b"))
    for status in ("ok", "truncated", "failed", "cancelled"):
        end(tally, status)
    tally.grade(True)
    tally.grade(False)
    tally.hear(call(500))
    assert tally.line(10.0) == (
        "202 of 1,200 samples · 41 min 30 s left · 50.0 % right so far · 1 running · 2 failed · 50 tokens/s"
    )


def test_the_rest_takes_as_long_as_samples_took_lately() -> None:
    tally = Tally(1000)
    assert tally.seconds_left(0.0) is None
    for second in range(1, 101):
        end(tally)
        tally.seconds_left(float(second))
    assert tally.seconds_left(100.0) == pytest.approx(900, rel=0.05)
    # Ten times as fast from here on.
    for second in range(101, 180):
        for _ in range(10):
            end(tally)
        tally.seconds_left(float(second))
    assert tally.seconds_left(180.0) == pytest.approx(110 / 7, rel=0.3)
    for _ in range(110):
        end(tally)
    assert tally.seconds_left(181.0) is None


def test_the_last_line_has_a_rate_since_the_beginning_and_no_share() -> None:
    tally = Tally(10)
    for _ in range(10):
        end(tally)
        tally.grade(True)
    tally.hear(call(500))
    assert tally.line(9.0) == "10 of 10 samples · 56 tokens/s"


def test_what_the_journal_answered_was_not_generated_now() -> None:
    tally = Tally(2)
    tally.hear(TokensGenerated(node="a", tokens=3))
    assert tally.tokens == 3
    tally.hear(call(7))
    tally.hear(call(100, replayed=True))
    assert tally.tokens == 7
