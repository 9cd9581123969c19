from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER
from reasoning.forking.latency import TokenLatency, token_latency


def thread(tokens: int) -> list[str]:
    """A thread of so many tokens, its two tags among them."""
    return ["<Thread>", *["w"] * (tokens - 2), "</Thread>"]


@pytest.mark.parametrize(
    ("threads", "acceleration"), [((10, 10), 0.5), ((20,), 0.0), ((10, 20, 10), 0.5)]
)
def test_acceleration_is_the_part_that_nobody_waits_for(
    threads: tuple[int, ...], acceleration: float
) -> None:
    tokens = [token for length in threads for token in thread(length)]
    latency = token_latency(tokens, THREADWEAVER)
    assert latency == TokenLatency(total=sum(threads), longest=max(threads))
    assert latency.acceleration == acceleration


def test_nothing_has_no_acceleration() -> None:
    assert token_latency([], THREADWEAVER).acceleration == 0


def test_token_latency_is_outside_and_sequential_and_the_longest_thread_of_each_block() -> None:
    sequential = ["<Parallel>", "<Outlines>", "</Outlines>"]
    first = [*sequential, *thread(5), *thread(8), "</Parallel>"]
    second = [*sequential, *thread(9), *thread(4), *thread(3), "</Parallel>"]
    latency = token_latency(["o"] * 3 + first + ["o"] * 4 + second + ["o"], THREADWEAVER)
    assert latency.longest == (3 + 4 + 1) + (4 + 8) + (4 + 9)
    assert latency.total == (3 + 4 + 1) + (4 + 5 + 8) + (4 + 9 + 4 + 3)


def test_blocks_of_multiverse_are_measured_within_each_other() -> None:
    inner = "<Path>ab</Path><Path>abcd</Path>"
    text = f"<Path>x{inner}y</Path><Path>z</Path>"
    tags = len("<Path>") + len("</Path>")
    latency = token_latency(text, MULTIVERSE)
    assert latency == TokenLatency(total=len(text), longest=tags + 2 + tags + 4)


@given(st.text(alphabet="<>/\nPathThreadGoal 1:.", max_size=80), st.booleans())
def test_no_text_takes_longer_than_its_tokens(text: str, multiverse: bool) -> None:
    latency = token_latency(text, MULTIVERSE if multiverse else THREADWEAVER)
    assert 0 <= latency.longest <= latency.total == len(text)
    assert 0 <= latency.acceleration < 1
