from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import FairQueue, FifoQueue, PriorityQueue, ReadyQueue

ITEMS = st.lists(st.tuples(st.integers(-3, 3), st.sampled_from("abc")), max_size=30)


def drained(queue: ReadyQueue[int], items: list[tuple[int, str]]) -> list[int]:
    for number, (priority, owner) in enumerate(items):
        queue.push(number, priority=priority, owner=owner)
    return [queue.pop() for _ in range(len(queue))]


@given(ITEMS)
def test_each_order_is_what_it_says(items: list[tuple[int, str]]) -> None:
    numbers = range(len(items))
    assert drained(FifoQueue(), items) == list(numbers)
    assert drained(PriorityQueue(), items) == sorted(numbers, key=lambda i: (items[i][0], i))


@given(ITEMS)
def test_owners_take_turns_and_each_keeps_its_own_order(items: list[tuple[int, str]]) -> None:
    order = drained(FairQueue(), items)
    assert sorted(order) == list(range(len(items)))
    served: Counter[str] = Counter()
    left = Counter(owner for _, owner in items)
    for number in order:
        owner = items[number][1]
        # Nobody who still waits has been served less.
        assert served[owner] == min(served[other] for other in left if left[other])
        served[owner] += 1
        left[owner] -= 1
    for name in "abc":
        own = [i for i in order if items[i][1] == name]
        assert own == sorted(own, key=lambda i: (items[i][0], i))


def test_an_owner_that_comes_late_starts_level_and_does_not_catch_up() -> None:
    queue: FairQueue[str] = FairQueue(FifoQueue)
    for i in range(6):
        queue.push(f"a{i}", owner="a")
    assert [queue.pop() for _ in range(3)] == ["a0", "a1", "a2"]
    for i in range(3):
        queue.push(f"b{i}", owner="b")
    assert [queue.pop() for _ in range(6)] == ["b0", "a3", "b1", "a4", "b2", "a5"]


@pytest.mark.parametrize("queue", [FifoQueue(), PriorityQueue(), FairQueue()])
def test_nothing_can_be_taken_where_nothing_waits(queue: ReadyQueue[int]) -> None:
    assert len(queue) == 0
    with pytest.raises(IndexError):
        queue.pop()
