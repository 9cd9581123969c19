"""Evaluations that nobody made, for the tests of reports."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engines import Usage
from evals import Evaluation, Grade, Problem, Sample
from evals.evaluation.folder import SampleFile, write_grades, write_problems
from evals.evaluation.reading import KIND
from evals.report.contents import Contents, contents_of
from evals.report.measuring import measure

HOSTILE = (
    "</script><script>document.title = 'taken'</script><!-- <img src=x onerror=alert(1)> & ]]> \x1b[31mred\x1b[0m "
    "\u202eback\u202c \ud800 \x00 \u2028 \\ \" ' `${1}` \r\n\ttab {{ 7 * 7 }} {% raw %} é 中 🙂"
)


def problem(number: int, text: str = "", **more: Any) -> Problem:
    return Problem(
        id=f"p-{number}",
        problem=text or f"What is {number} plus $\\frac{{{number}}}{{1}}$?",
        answer=str(2 * number),
        **more,
    )


def sample(task: str, name: str, number: int, **more: Any) -> Sample:
    fields: dict[str, Any] = {
        "status": "ok",
        "text": f"text of {task} {name} {number}",
        "usage": Usage(prompt_tokens=50, generated_tokens=100 + number),
        "critical_path": 80 + number,
        "seconds": 1.5,
    }
    return Sample(task=task, problem=name, sample=number, **(fields | more))


def grade(sample: Sample, correct: bool, **more: Any) -> Grade:
    fields: dict[str, Any] = {
        "correct": correct,
        "extracted": "42" if correct else "41",
        "vote": sample.sample,
        "grader": "math",
        "version": "1",
    }
    key: dict[str, Any] = {"task": sample.task, "problem": sample.problem, "sample": sample.sample}
    # A copy is not validated, which refuses half of a surrogate pair.
    return Grade(**(key | {"problem": "x"} | fields | more)).model_copy(update=key)


def evaluation(
    path: Path | str,
    samples: Sequence[Sample],
    grades: Sequence[Grade],
    problems: Mapping[str, Sequence[Problem]] | None = None,
    **configuration: Any,
) -> Evaluation:
    tasks = dict.fromkeys(one.task for one in samples)
    names = {task: dict.fromkeys(s.problem for s in samples if s.task == task) for task in tasks}
    return Evaluation(
        path=Path(path),
        configuration=configuration,
        problems=problems
        or {
            task: [problem(int(name.rpartition("-")[2])) for name in names[task]] for task in tasks
        },
        samples={one.key: one for one in samples},
        grades={one.key: one for one in grades},
    )


def drawn(
    path: Path | str,
    skill: float,
    *,
    tasks: Mapping[str, int],
    k: int,
    seed: int = 0,
    size: int = 400,
    dear: float = 1.0,
    **configuration: Any,
) -> Evaluation:
    """An evaluation by chance, with something of everything that can happen."""
    dice = random.Random(f"{path}{seed}")
    samples: list[Sample] = []
    grades: list[Grade] = []
    for task, count in tasks.items():
        for place in range(count):
            hard = random.Random(f"{task}{place}").random()
            for number in range(k):
                right = dice.random() < skill * (1.6 - 1.4 * hard)
                one = _drawn_sample(dice, task, f"p-{place + 1}", number, size, dear)
                samples.append(one)
                if one.counts:
                    answer = str(2 * (place + 1)) if right else str(dice.randrange(90))
                    grades.append(_drawn_grade(dice, one, right, answer))
    return evaluation(path, samples, _with_votes(grades), k=k, **configuration)


def _drawn_sample(
    dice: random.Random, task: str, name: str, number: int, size: int, dear: float
) -> Sample:
    status = dice.choices(("ok", "truncated", "failed"), (0.9, 0.07, 0.03))[0]
    tokens = int(dice.lognormvariate(5.5, 0.5) * dear)
    words = "We add the two numbers and see what $x^2$ is, so that \\boxed{4} follows. "
    threads = [
        {
            "path": f"{name}/step-{place}",
            "status": "ok" if place < 2 else "cancelled",
            "reason": "" if place < 2 else "the ones before were enough",
            "chosen": place == 0,
            "score": 0.9 - place / 10,
            "answer": f"so it is {place}\nand no more",
            "usage": Usage(generated_tokens=tokens // 3).model_dump(),
            "threads": [{"path": "inner", "status": "ok", "answer": "yes"}] if place == 0 else [],
        }
        for place in range(3)
    ]
    return sample(
        task,
        name,
        number,
        status=status,
        text="" if status == "failed" else f"{name} {number}: " + words * (size // len(words)),
        reason={"ok": "", "failed": "the server is gone", "truncated": "2,048 tokens"}[status],
        usage=Usage(generated_tokens=tokens),
        critical_path=int(tokens / max(1.0, dear**0.7)),
        seconds=tokens / 90 / max(1.0, dear**0.6),
        threads=threads if dear > 1 and status != "failed" else [],
        score=round(dice.random(), 3) if dear > 3 else None,
    )


def _drawn_grade(dice: random.Random, one: Sample, right: bool, answer: str) -> Grade:
    cut = one.status == "truncated"
    warning = (
        "cut" if cut else "" if right else dice.choices(("", "missed", "unread"), (9, 1, 1))[0]
    )
    return grade(
        one,
        right and not cut,
        extracted=None if cut else answer,
        warning=warning,
        vote=None if cut else int(answer),
    )


def _with_votes(grades: Sequence[Grade]) -> list[Grade]:
    """Each with the first sample of its problem that has its answer."""
    first: dict[tuple[str, str, str | None], int] = {}
    return [
        one.model_copy(
            update={
                "vote": None
                if one.extracted is None
                else first.setdefault((one.task, one.problem, one.extracted), one.sample)
            }
        )
        for one in grades
    ]


def small(path: Path | str = "runs/a", **configuration: Any) -> Evaluation:
    """Two problems with two samples each: of the first both are wrong, of the second one."""
    samples = [sample("sums", name, number) for name in ("p-1", "p-2") for number in (0, 1)]
    grades = [
        grade(samples[0], False, warning="missed"),
        grade(samples[1], False, extracted=None, vote=None),
        grade(samples[2], True),
        grade(samples[3], False),
    ]
    return evaluation(path, samples, grades, k=2, **configuration)


def contents(*evaluations: Evaluation) -> Contents:
    return contents_of(measure(evaluations))


def write_folder(evaluation: Evaluation) -> Path:
    """Writes what `forkjoin eval` leaves."""
    path = evaluation.path
    path.mkdir(parents=True)
    settled = {"schema_version": 1, "kind": KIND, **evaluation.configuration}
    (path / "config.yaml").write_text(json.dumps(settled))
    write_problems(path, evaluation.problems)
    with SampleFile(path) as file:
        for one in evaluation.samples.values():
            file.append(one)
    if evaluation.grades:
        write_grades(path, evaluation.grades.values())
    return path
