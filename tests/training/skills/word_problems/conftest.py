from random import Random

import pytest

from training.skills.word_problems.lessons import chained, planned

from .reading import Solved, solved


def _solved(number: int) -> Solved:
    """A problem alone: two thirds are planned."""
    random = Random(f"lesson {number}")
    if number % 3 == 0:
        return solved(chained(random))
    one = solved(planned(random, room=1))
    assert isinstance(one.result, list)
    (result,) = one.result
    return Solved(one.calls, result)


@pytest.fixture(scope="session")
def lessons() -> list[Solved]:
    return [_solved(number) for number in range(140)]
