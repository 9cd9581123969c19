"""Evaluations for tests, as folders tell them, without folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engines import Usage
from evals import Evaluation, Grade, Problem, Sample
from evals.evaluation.folder import SampleFile, write_grades, write_problems
from evals.evaluation.rows import Key
from orchestrator.runs.run_folder import RunFolder

Answers = Mapping[str, Mapping[str, Sequence[str | None]]]
"""By task and problem, the answers of its samples; `1` is right, None is no answer, `failed` and `ungraded` say so."""


def evaluation(
    answers: Answers, *, name: str = "run", k: int = 4, tokens: int = 10, version: str = "1"
) -> Evaluation:
    samples, grades = {}, {}
    for task, problems in answers.items():
        for problem, given in problems.items():
            firsts: dict[str, int] = {}
            for number, answer in enumerate(given):
                key = Key(task, problem, number)
                samples[key] = _sample(key, answer, tokens)
                if answer == "failed":
                    # A grade of nothing, which must not count.
                    grades[key] = _grade(key, "1", number, version)
                elif answer != "ungraded":
                    vote = None if answer is None else firsts.setdefault(answer, number)
                    grades[key] = _grade(key, answer, vote, version)
    return Evaluation(
        path=Path("runs") / name,
        configuration={"system": f"the system {name}", "k": k},
        problems={
            task: [
                Problem(id=problem, problem=f"What is {problem}?", answer="1")
                for problem in problems
            ]
            for task, problems in answers.items()
        },
        samples=samples,
        grades=grades,
    )


def _sample(key: Key, answer: str | None, tokens: int) -> Sample:
    named: dict[str, Any] = key._asdict()
    return Sample(
        **named,
        status="failed" if answer == "failed" else "truncated" if answer is None else "ok",
        usage=Usage(prompt_tokens=5, generated_tokens=tokens * (key.sample + 1)),
        critical_path=tokens * (key.sample + 1) // 2,
        seconds=float(key.sample + 1),
    )


def _grade(key: Key, answer: str | None, vote: int | None, version: str) -> Grade:
    named: dict[str, Any] = key._asdict()
    return Grade(
        **named,
        extracted=answer,
        correct=answer == "1",
        warning="cut" if answer is None else "",
        vote=vote,
        grader="exact",
        version=version,
    )


def write(found: Evaluation, base: Path) -> str:
    """Writes its folder, and says where it is."""
    configuration = {**found.configuration, "kind": "evaluation"}
    with RunFolder.create(base, configuration, name=found.name) as folder:
        write_problems(folder.path, found.problems)
        with SampleFile(folder.path) as file:
            for sample in found.samples.values():
                file.append(sample)
        write_grades(folder.path, found.grades.values())
        return str(folder.path)
