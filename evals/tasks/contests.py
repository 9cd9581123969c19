"""Contests and collections of mathematics with one final answer to a problem.

Each is read from its public dataset and from a file, with the same ids: a problem of AIME is `aime2025-I-01` where its
row has this name, the place 1 of 30, or the address of a wiki page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..grading.grader import Grader
from ..grading.math_grader import MathGrader
from ..problem import Problem
from ..task import Dataset, Task
from .columns import ANSWER, Row, first_of, read_problem, text_of
from .prompts import MATHEMATICS

_WIKI = re.compile(r"/(\d{4})_(AIME|AMC)_(\w+?)_Problems/Problem_(\d+)$")
_MATH500 = re.compile(r"(?:\w+/)?(\w+)/(\d+)\.json")


def _hub(id: str, split: str, revision: str, name: str | None = None) -> Dataset:
    return Dataset(id=id, split=split, revision=revision, name=name)


def _task(
    name: str,
    about: str,
    dataset: Dataset,
    read: Callable[[Row, int], Problem],
    grader: Callable[[], Grader] = MathGrader,
) -> Task:
    return Task(
        name=name, about=about, grader=grader, prompt=MATHEMATICS, dataset=dataset, read=read
    )


def _aime(year: int, dataset: Dataset) -> Task:
    read = partial(read_problem, named=partial(_aime_name, year), answer=_aime_answer)
    return _task(f"aime{year % 100}", f"AIME {year}, 30 problems", dataset, read)


def _aime_name(year: int, row: Row, number: int) -> str:
    index = _place(row, number)
    exam, place = ("I", index) if index <= 15 else ("II", index - 15)
    return _wiki_name(row) or f"aime{year}-{exam}-{place:02d}"


def _place(row: Row, number: int) -> int:
    """The place in the contest, from 1 on."""
    return int(first_of(row, ["problem_idx"], number + 1))


def _wiki_name(row: Row) -> str | None:
    """`aime2024-II-07` and `amc23-12A-01`, of an address of the AoPS wiki."""
    found = _WIKI.search(str(row.get("url", "")))
    if found is None:
        return None
    year, contest, exam, place = found.groups()
    contest = "aime" + year if contest == "AIME" else "amc" + year[2:]
    return f"{contest}-{exam}-{int(place):02d}"


def _aime_answer(row: Row) -> str:
    text = text_of(row, ANSWER)
    if not (text.isascii() and text.isdigit() and int(text) <= 999):
        raise ValueError(f"answer: {text[:60]!r} is no integer from 0 to 999")
    return str(int(text))


def _gsm8k_answer(row: Row) -> str:
    """The dataset has it behind `####`, below the steps that lead to it."""
    return text_of(row, ANSWER).rpartition("####")[2].strip().replace(",", "")


def _math500_name(row: Row) -> str | None:
    found = _MATH500.fullmatch(str(row.get("unique_id", "")))
    return found and f"math500-{found[1]}-{found[2]}"


def _read_olympiad(row: Row, number: int) -> Problem:
    problem = read_problem(
        row,
        number,
        named=lambda row, number: f"olympiadbench-{first_of(row, ['id'], number)}",
        answer=_olympiad_answer,
    )
    return problem.model_copy(update={"data": {**problem.data, **_how_to_compare(row)}})


def _olympiad_answer(row: Row) -> str:
    """The dataset has it as a list of one text between dollars."""
    return text_of(row, ANSWER).removeprefix("$").removesuffix("$").strip()


def _how_to_compare(row: Row) -> Mapping[str, Any]:
    """What the graders know it by: several answers in any order, and how far off is near enough."""
    said: dict[str, Any] = {}
    if row.get("is_multiple_answer"):
        said["unordered"] = True
    if row.get("error"):
        said["tolerance"] = float(row["error"])
    return said


CONTESTS = (
    _aime(
        2024,
        _hub("HuggingFaceH4/aime_2024", "train", "2fe88a2f1091d5048c0f36abc874fb997b3dd99a"),
    ),
    _aime(
        2025,
        _hub("MathArena/aime_2025", "train", "c94da77eb22bbd6439e62a323bec18493a421302"),
    ),
    _aime(
        2026,
        _hub("MathArena/aime_2026", "train", "d2de22f3c656b4f56cf8981212186377d1e23bc3"),
    ),
    _task(
        "amc23",
        "AMC 12 2023 as questions for a number, 40 problems",
        _hub("math-ai/amc23", "test", "80815d37005feb82cd7f8fbc6901d5d3eff43057"),
        partial(read_problem, named=lambda row, _: _wiki_name(row)),
    ),
    _task(
        "hmmt_feb_2025",
        "HMMT February 2025, 30 problems",
        _hub("MathArena/hmmt_feb_2025", "train", "6fdc4277120810ff75aa22d2d5489b91f7a262a1"),
        partial(read_problem, named=lambda row, n: f"hmmt_feb_2025-{_place(row, n):02d}"),
    ),
    _task(
        "math500",
        "MATH-500, 500 problems",
        _hub("HuggingFaceH4/MATH-500", "test", "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be"),
        partial(read_problem, named=lambda row, _: _math500_name(row)),
    ),
    _task(
        "gsm8k",
        "GSM8K test, 1,319 word problems",
        _hub("openai/gsm8k", "test", "740312add88f781978c0658806c59bc2815b9866", "main"),
        partial(
            read_problem, named=lambda _, number: f"gsm8k-test-{number:04d}", answer=_gsm8k_answer
        ),
    ),
    _task(
        "minerva",
        "questions of MIT courses that Minerva was measured on, 272 problems",
        _hub("math-ai/minervamath", "test", "ee46ddc498933b1977577953250ca5c66be64f96"),
        partial(read_problem, named=lambda _, number: f"minerva-{number:03d}"),
        # Numbers that were computed and rounded are as near as the evaluation of Qwen2.5-Math wants them, which most
        # published figures are of. The 1 % that Minerva's own grader names is for numbers next to 0 only, and 256 would
        # be 258.
        partial(MathGrader, relative=1e-4),
    ),
    _task(
        "olympiadbench",
        "OlympiadBench, English, text only, 674 problems",
        _hub(
            "Hothan/OlympiadBench",
            "train",
            "91184b52131e7fc9455fef848035173aea8cc01a",
            "OE_TO_maths_en_COMP",
        ),
        _read_olympiad,
        # Some ask for an interval, which may be written as 1 < x < 2.
        partial(MathGrader, relations=True),
    ),
)
"""Tasks whose answers mathematics compares."""

CUSTOM = Task(
    name="custom",
    about="problems of your own: a file with problem and answer in each line of JSON",
    grader=MathGrader,
    prompt=MATHEMATICS,
)
"""Whatever `--data` has."""
