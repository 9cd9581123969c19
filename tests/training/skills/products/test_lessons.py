r"""Lessons in arithmetic: whatever they say is right, whole, and what the methods ask for."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import Grammar, Sampling, converse
from reasoning import ChainOfThought, ForkJoin
from tests.training.skills.products.reading import check_arithmetic, evaluated
from tests.training.skills.solving import solved
from training.lesson import Lesson
from training.skills import products
from training.skills.products import (
    BARE_CHAIN,
    CHAIN,
    INVITED_PATHS,
    INVITED_THREADS,
    PATHS,
    THREADS,
)
from training.skills.products.exercise import Exercise
from training.skills.products.expression import Expression, Term
from training.teacher_engine import TeacherEngine
from training.trie import trie_of

FORKED = {
    "threads": THREADS,
    "paths": PATHS,
    "invited threads": INVITED_THREADS,
    "invited paths": INVITED_PATHS,
}
DIGITS = {"ones": 9, "tens": 99, "hundreds": 999, "thousands": 9999}
NUMBERS = st.one_of(*(st.integers(0, most) for most in DIGITS.values()))
_TAG = re.compile(r"</?[A-Za-z]+>")


def expression(text: str) -> Expression:
    terms = re.findall(r"([-+]?)([\d*]+)", text)
    return Expression(
        tuple(Term(tuple(map(int, term.split("*"))), sign == "-") for sign, term in terms)
    )


def exercise(*texts: str) -> Exercise:
    return Exercise(tuple(map(expression, texts)))


def lesson_of(method: ForkJoin | ChainOfThought, *texts: str) -> Lesson:
    make = products.forked if isinstance(method, ForkJoin) else products.chained
    asked = f"What is {' and '.join(texts)}?"
    return make(exercise(*texts), asked, method)  # type: ignore[arg-type]  # each with its own


def lines(text: str) -> list[str]:
    """What is written, without tags, labels and outlines: the same lines however they are told apart."""
    text = re.sub(r"<Outline>.*?</Outline> ?", "", text)
    plain = (re.sub(r"^[\d.]+: ?", "", line) for line in _TAG.sub("\n", text).split("\n"))
    return [line for line in plain if line.strip()]


@pytest.mark.parametrize("seed", range(40))
def test_all_that_a_lesson_says_is_right(seed: int, tokenizer: Any) -> None:
    lesson = products.SKILL.lesson(Random(seed))
    answer, units = solved(lesson, tokenizer)
    written = lines(answer.text)
    assert check_arithmetic("\n".join(written)) > 0
    # What stands in the box was found on the way.
    found = {line.rpartition("=")[2] for line in written if "=" in line}
    assert answer.value is not None
    assert set(answer.value.split(", ")) <= found
    assert not answer.remark
    assert not answer.truncated
    assert all(unit.learned for unit in units)


def test_a_lesson_is_what_was_drawn_and_nothing_else(tokenizer: Any) -> None:
    first, again, other = (
        solved(products.SKILL.lesson(Random(seed)), tokenizer)[1] for seed in (7, 7, 8)
    )
    assert first == again != other


def test_lessons_fit_into_rows(tokenizer: Any) -> None:
    sizes = []
    for seed in range(1000, 1100):
        _, units = solved(products.SKILL.lesson(Random(seed)), tokenizer)
        sizes.append(len(trie_of(units)))
    assert max(sizes) <= 1400
    assert 300 <= sum(sizes) / len(sizes) <= 700


@pytest.mark.parametrize("method", FORKED.values(), ids=FORKED)
@given(a=NUMBERS, b=st.one_of(st.just(0), NUMBERS))
@settings(max_examples=20)
def test_threads_and_one_chain_write_the_same_lines(
    method: ForkJoin, tokenizer: Any, a: int, b: int
) -> None:
    chain, _ = solved(lesson_of(CHAIN, f"{a}*{b}"), tokenizer)
    forked, units = solved(lesson_of(method, f"{a}*{b}"), tokenizer)
    assert chain.value == forked.value == str(a * b)
    assert not forked.remark
    check_arithmetic("\n".join(lines(forked.text)))
    digits = sum(digit != "0" for digit in str(b))
    threads = digits if digits > 1 else 0
    if method.invited:
        # A grammar wants two threads, where there is need for fewer.
        threads = max(2, digits)
    assert len(forked.branches) == threads
    assert len(units) == (threads + 2 if threads else 1)
    if digits > 1 or not method.invited:
        assert lines(forked.text) == lines(chain.text)


SUMS = {
    "two": ("12*34+56*78",),
    "one thread is none": ("7*8+90*5",),
    "a number beside": ("12*34+5",),
    "a number beside a digit's product": ("12*4+5",),
    "taken away": ("56*78-12*34-9*8",),
    "more taken away than numbers added": ("99*99-1*2-3*4-50*6",),
    "numbers only": ("1200-34",),
    "questions": ("12*34", "56+78", "90-1"),
    "questions with sums": ("12*34+5*67", "8*9"),
    "nothing": ("0*0", "0-0"),
}


@pytest.mark.parametrize("texts", SUMS.values(), ids=SUMS)
@pytest.mark.parametrize("method", [THREADS, PATHS, CHAIN], ids=["threads", "paths", "chain"])
def test_sums_and_several_questions(
    texts: tuple[str, ...], method: ForkJoin | ChainOfThought, tokenizer: Any
) -> None:
    answer, _ = solved(lesson_of(method, *texts), tokenizer)
    assert answer.value == ", ".join(str(evaluated(text)) for text in texts)
    assert not answer.remark
    chain, _ = solved(lesson_of(CHAIN, *texts), tokenizer)
    assert lines(answer.text) == lines(chain.text)
    check_arithmetic("\n".join(lines(answer.text)))


def test_paths_of_multiverse_hold_blocks_and_threads_do_not(tokenizer: Any) -> None:
    paths, _ = solved(lesson_of(PATHS, "12*34+56*78"), tokenizer)
    assert "<Outline>1.1: times 4</Outline> <Outline>1.2: times 30</Outline>" in paths.text
    assert [len(branch.answer.branches) for branch in paths.branches if branch.answer] == [2, 2]
    threads, _ = solved(lesson_of(THREADS, "12*34+56*78"), tokenizer)
    assert [len(branch.answer.branches) for branch in threads.branches if branch.answer] == [0, 0]


def test_a_question_alone_is_answered_by_the_chain(tokenizer: Any) -> None:
    """A method without an instruction sends what a plain request sends."""
    _, (unit,) = solved(lesson_of(BARE_CHAIN, "12*34"), tokenizer)
    plain = TeacherEngine(lambda context, sampling: "", tokenizer)

    async def ask() -> object:
        prompt = await converse(plain, [("user", "What is 12*34?"), ("assistant", "")])
        return await plain.generate(prompt, Sampling())

    anyio.run(ask)
    assert plain.units[0].context == unit.context


def test_now_and_then_a_program_says_something_before_the_question(tokenizer: Any) -> None:
    lesson = products.forked(exercise("12*34"), "What is 12*34?", THREADS, "Be concise.")
    _, (unit, *_) = solved(lesson, tokenizer)
    assert tokenizer.decode(unit.context).startswith("<|im_start|>system\nBe concise.<|im_end|>")
    systems = [
        products.SKILL.lesson(Random(seed)).solve.args[2]  # type: ignore[attr-defined]  # a partial
        for seed in range(200)
    ]
    assert 4 <= sum(map(bool, systems)) <= 40


@pytest.mark.parametrize(
    ("shapes", "least"), [((3, 3), 1.26), ((4, 3), 1.26), ((4, 2), 1.1)], ids=str
)
@pytest.mark.parametrize("method", [THREADS, PATHS], ids=["threads", "paths"])
def test_threads_shorten_the_critical_path(
    method: ForkJoin, shapes: tuple[int, int], least: float, tokenizer: Any
) -> None:
    random = Random(0)
    steps: dict[ForkJoin | ChainOfThought, int] = {CHAIN: 0, method: 0}
    for _ in range(10):
        a, b = (random.randrange(10 ** (digits - 1), 10**digits) for digits in shapes)
        for each in steps:
            steps[each] += solved(lesson_of(each, f"{a}*{b}"), tokenizer)[0].critical_path
    assert steps[CHAIN] / steps[method] >= least


@pytest.mark.parametrize("method", [INVITED_THREADS, INVITED_PATHS], ids=["threads", "paths"])
@pytest.mark.parametrize("texts", [*SUMS.values(), ("234*7",), ("1234*567",), ("5*0",)], ids=str)
def test_who_is_invited_keeps_to_the_grammar(
    method: ForkJoin, texts: tuple[str, ...], tokenizer: Any
) -> None:
    if not any("*" in text for text in texts):
        pytest.skip("numbers have no threads")
    grammars = pytest.importorskip("tests.planners.grammars")
    lesson = lesson_of(method, *texts)
    checked = 0

    def reply(context: Any, sampling: Sampling) -> Any:
        nonlocal checked
        said = lesson.reply(context, sampling)
        assert isinstance(sampling.constraint, Grammar)
        assert grammars.accepts(_compiled(sampling.constraint.rules), said)
        checked += 1
        return said

    solved(Lesson(solve=lesson.solve, reply=reply), tokenizer)
    assert checked >= 4


_GRAMMARS: dict[str, Any] = {}


def _compiled(rules: str) -> Any:
    from tests.planners.grammars import compiled

    if rules not in _GRAMMARS:
        _GRAMMARS[rules] = compiled(rules)
    return _GRAMMARS[rules]
