from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any

import anyio
import pytest

from engines import Context, Engine, FakeEngine, Role, Sampling, Segment, converse
from reasoning import ParaThinker
from reasoning.parathinking.strategies import STRATEGIES
from training.lesson import Said
from training.skills.paths import DIVERSE, LONGER, SKILL, SUMMARY
from training.skills.paths.lessons import TAIL_TOKENS, judging, summarising, thinking
from training.skills.products.held_out import held_out_product
from training.teacher_engine import TeacherEngine, units_of
from training.trie import trie_of

from .reading import boxed

Calls = list[tuple[str, str]]
FINDING = re.compile(r"^(\d)\. ((?:(?!^\d\. |^Use them).*\n)+)", re.MULTILINE)


def calls_of(lesson: Any) -> Calls:
    """What is asked and said at each call."""
    calls: Calls = []

    def reply(context: Context, sampling: Sampling) -> str:
        said = lesson.reply(context, sampling)
        text = said.text if isinstance(said, Said) else said
        calls.append(("".join(node.segment.text for node in context.lineage), text))
        return text

    async def main() -> None:
        await lesson.solve(FakeEngine(reply))

    anyio.run(main)
    return calls


def factors_of(prompt: str) -> list[tuple[int, int]]:
    """The numbers of a question, two and two."""
    asked = re.sub(r"(?<=\d),(?=\d)", "", prompt.partition("\n\n")[0])
    numbers = [*map(int, re.findall(r"\d+", asked))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize("make", [thinking, summarising])
def test_all_that_is_said_answers_the_question(make: Any) -> None:
    for seed in range(60):
        for prompt, text in calls_of(make(Random(seed))):
            assert boxed(text) == sum(a * b for a, b in factors_of(prompt)), prompt


def test_verdicts_are_yes_for_a_right_end_only_and_what_is_wrong_is_not_learned() -> None:
    verdicts = []
    for seed in range(30):
        lesson = judging(Random(seed))
        units: list[Any] = []

        def reply(
            context: Context, sampling: Sampling, units: list[Any] = units, lesson: Any = lesson
        ) -> str:
            units.append((context, lesson.reply(context, sampling)))
            return str(units[-1][1].text)

        anyio.run(lesson.solve, FakeEngine(reply))
        for context, said in units:
            texts = [node.segment for node in context.lineage]
            right = sum(a * b for a, b in factors_of("".join(one.text for one in texts)))
            if said.text in ("Yes", "No"):
                judged = [one.text for one in texts if one.role == "assistant" and one.text]
                assert said == Said("Yes" if boxed(judged[-1]) == right else "No")
                verdicts.append(said.text)
            else:
                assert said.learned == (boxed(said.text) == right)
    assert 30 < verdicts.count("Yes") < len(verdicts) - 30


def test_lessons_depend_on_their_random_only() -> None:
    for seed in range(5):
        first, second = (calls_of(SKILL.lesson(Random(seed))) for _ in range(2))
        assert first == second


def test_no_lesson_has_a_product_that_is_held_out_or_longer_than_what_is_trained() -> None:
    seen = set()
    for seed in range(120):
        for prompt, _ in calls_of(SKILL.lesson(Random(seed))):
            seen.update(factors_of(prompt))
    assert not any(held_out_product(a, b) for a, b in seen)
    # Those of `LONGER` have more digits, both.
    assert all(a < 10_000 or b < 1_000 for a, b in seen)


def test_the_task_has_longer_numbers_than_any_lesson_of_several_levels() -> None:
    assert LONGER.generate is not None
    problems = LONGER.generate(0, 40)
    factors = [factors_of(problem.problem)[0] for problem in problems]
    assert all(a >= 10_000 and b >= 1_000 for a, b in factors)
    assert [problem.answer for problem in problems] == [str(a * b) for a, b in factors]
    assert [problem.data["digits"] for problem in problems] == [
        [len(str(a)), len(str(b))] for a, b in factors
    ]
    assert len({(len(str(a)), len(str(b))) for a, b in factors}) == 4
    # The first ones stay the same where more are asked for; other seeds give others.
    assert LONGER.generate(0, 10) == problems[:10]
    assert not {problem.problem for problem in problems} & {
        problem.problem for problem in LONGER.generate(1, 40)
    }


def test_every_hint_is_taught_and_leads_to_its_own_beginning() -> None:
    hinted: dict[str, set[str]] = {hint: set() for hint in STRATEGIES}
    plain: set[str] = set()
    for seed in range(90):
        for prompt, text in calls_of(thinking(Random(seed))):
            found = [hint for hint in STRATEGIES if hint in prompt]
            (hinted[found[0]] if found else plain).add(text)
    assert all(len(texts) > 5 for texts in hinted.values())
    assert len(plain) > 20


def test_summaries_say_what_their_threads_came_to() -> None:
    wrong = cut = 0
    for seed in range(60):
        ((prompt, text),) = calls_of(summarising(Random(seed)))
        right = boxed(text)
        for number, finding in FINDING.findall(prompt):
            result = re.search(r"\\boxed\{(\d+)\}$", finding.strip())
            told = re.search(rf"^{number}: (\S+)", text, re.MULTILINE)
            assert told, text
            assert told[1] == (result[1] if result else "-"), (prompt, text)
            wrong += result is not None and int(result[1]) != right
            cut += result is None
    assert wrong > 20
    assert cut > 10


def test_lessons_fit_into_rows(tokenizer: Any) -> None:
    lengths = [
        len(trie_of(anyio.run(units_of, SKILL.lesson(Random(seed)), tokenizer)))
        for seed in range(60)
    ]
    assert max(lengths) <= 1400
    assert sum(lengths) / len(lengths) <= 750


class Listening(TeacherEngine):
    """Remembers what it encoded of the model's turns."""

    def __init__(self, reply: Any, tokenizer: Any) -> None:
        super().__init__(reply, tokenizer)
        self.said: list[str] = []

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Encodes."""
        if role == "assistant" and text:
            self.said.append(text)
        return await super().encode(text, role=role, after=after)


@pytest.mark.parametrize("tail", [None, TAIL_TOKENS], ids=["whole", "ends"])
def test_the_prompt_of_a_summary_is_the_one_that_parathinker_sends(
    tokenizer: Any, tail: int | None
) -> None:
    """By the ids, threads that were cut included."""
    compared = 0
    for seed in range(12):
        lesson = summarising(Random(seed))
        listening = Listening(lesson.reply, tokenizer)
        anyio.run(lesson.solve, listening)
        (unit,) = listening.units
        prompt = tokenizer.decode(unit.context)
        if ("\n1. ... " in prompt) != (tail is not None):
            continue
        question = prompt.partition("<|im_start|>user\n")[2].partition("\n\nThese findings")[0]
        paths = replace(
            DIVERSE,
            threads=len(listening.said),
            hints=(),
            reducer=replace(SUMMARY, tail_tokens=tail),
        )

        def reply(context: Context, sampling: Sampling, said: list[str] = listening.said) -> str:
            thread = re.search(r"thread-(\d)", context.path)
            return said[int(thread[1])] if thread else "\\boxed{1}"

        async def solve(
            engine: Engine, question: str = question, paths: ParaThinker = paths
        ) -> None:
            context = await converse(engine, [("user", question)], name="question")
            await paths.solve(context, engine)

        engine = TeacherEngine(reply, tokenizer)
        anyio.run(solve, engine)
        assert engine.units[-1].context == unit.context
        compared += 1
    assert compared
