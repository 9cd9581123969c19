"""What `make run` asks: documents tell of the same question, and the model has not practised on it."""

from __future__ import annotations

import re
from random import Random

import pytest

from tests.meta.sources import ROOT
from training.skills.products.held_out import held_out_product
from training.skills.scale.problem import drawn
from training.skills.scale.wording import asked

_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
(QUESTION,) = re.findall(r"^QUESTION := (.*)$", _MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "docs/getting-started.md"])
def test_documents_tell_of_the_question_and_its_answer(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    trays, rolls, bags, others = map(int, re.findall(r"\d+", QUESTION))
    assert QUESTION in text
    assert re.search(rf"^ *{trays * rolls + bags * others}$", text, re.MULTILINE)


def test_its_products_are_held_out() -> None:
    trays, rolls, bags, others = map(int, re.findall(r"\d+", QUESTION))
    assert held_out_product(trays, rolls)
    assert held_out_product(bags, others)


def test_no_lesson_tells_of_its_things() -> None:
    random = Random(1)
    lessons = " ".join(asked(drawn(random), random) for _ in range(2000))
    assert " apples" in lessons
    assert not re.search(r"\b(trays|rolls)\b", lessons)
