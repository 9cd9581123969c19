from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import All, Deadline, First, Fraction, JoinPolicy, KOfN, UsageError
from reasoning.waiting import wait_policy


@pytest.mark.parametrize(
    ("wait", "deadline", "policy"),
    [
        ("last", None, All()),
        ("first", None, First()),
        ("half", None, Fraction(0.5)),
        (3, None, KOfN(3)),
        ("last", 9, Deadline(9, All())),
        (2, 0.5, Deadline(0.5, KOfN(2))),
    ],
)
def test_a_wait_is_a_policy(wait: Any, deadline: float | None, policy: JoinPolicy) -> None:
    assert wait_policy(wait, deadline) == policy


@given(st.integers(1, 99))
def test_half_of_them_is_rounded_up(total: int) -> None:
    policy = wait_policy("half")
    assert next(n for n in range(total + 1) if policy.enough(n, total)) == math.ceil(total / 2)


@pytest.mark.parametrize(
    ("wait", "deadline", "message"),
    [
        ("lst", None, "there is no wait 'lst': choose last, first, half, or a whole number"),
        ("", None, "there is no wait ''"),
        (1.5, None, "there is no wait 1.5: choose"),
        (True, None, "there is no wait True: choose"),
        (0, None, "a join of 0 branches waits for nothing"),
        (-1, 5, "a join of -1 branches waits for nothing"),
        ("last", 0, "a deadline of 0 s is over already"),
    ],
)
def test_what_waits_for_nothing_is_a_wrong_usage(
    wait: Any, deadline: float | None, message: str
) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        wait_policy(wait, deadline)
