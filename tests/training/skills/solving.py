from __future__ import annotations

from typing import Any

import anyio

from reasoning import Answer
from training.lesson import Lesson
from training.teacher_engine import TeacherEngine
from training.unit import Unit


def solved(lesson: Lesson, tokenizer: Any) -> tuple[Answer, list[Unit]]:
    """What comes of a lesson of one method, and what there is to learn from it."""
    engine = TeacherEngine(lesson.reply, tokenizer)

    async def solve() -> Answer:
        answer = await lesson.solve(engine)
        assert isinstance(answer, Answer)
        return answer

    return anyio.run(solve), engine.units
