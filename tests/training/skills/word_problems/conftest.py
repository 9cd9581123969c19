from random import Random

import pytest

from training.skills.word_problems import SKILL

from .reading import Solved, solved


@pytest.fixture(scope="session")
def lessons() -> list[Solved]:
    return [solved(SKILL.lesson(Random(f"lesson {number}"))) for number in range(140)]
