"""`forkjoin compare`: two evaluations on the problems of both, and whether there is a difference."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines import UsageError
from orchestrator.commands.output import write
from orchestrator.commands.tables import write_table
from orchestrator.runs.text_table import TextTable
from orchestrator.runs.words import printable

from ..estimates.comparing import Comparison
from ..estimates.estimate import Estimate
from ..evaluation.contrast import Contrast, Cost, contrasts, differing
from ..evaluation.evaluation import Evaluation
from ..evaluation.reading import evaluations_in, read_evaluation
from ..report.words import amount, counted, interval, joined, percent, points, probability
from .named_evaluation import evaluation_folder

_NAMED = 5


class CompareCommand:
    """Compares two evaluations."""

    summary = "compare two evaluations on the problems that both have"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("first", metavar="RUN", type=Path, help="the folder of an evaluation, or last: A")
        add("second", metavar="RUN", type=Path, help="the folder of the other: B")
        add("-k", type=int, metavar="N",
            help="compare at so many samples of a problem (default: as many as both have)")  # fmt: skip
        add("--json", action="store_true", help="one JSON object")

    def run(self, arguments: argparse.Namespace) -> int:
        """Writes the comparison."""
        first, second = _read(arguments.first), _read(arguments.second)
        found = contrasts(first, second, arguments.k)
        notes = list(_notes(first, second))
        if arguments.json:
            write(json.dumps(_data(first, second, found, notes), ensure_ascii=False))
            return 0
        write("\n".join(_heads(first, second)))
        for contrast in found:
            write("")
            write(f"{contrast.part}: {_over(contrast)}")
            write_table(_table(contrast))
            write("\n".join([finding(contrast), *_left_out(contrast)]))
        if notes:
            write("\n".join(["", *notes]))
        return 0


command = CompareCommand()


def finding(contrast: Contrast) -> str:
    """What can be said of two evaluations, in a sentence or two."""
    compared = contrast.average
    measured = f"{points(compared.difference.value)} points of avg@{contrast.pairing.k}"
    if not compared.told_apart:
        said = f"No difference can be told at 95 %: B has {measured} against A"
    else:
        more = "more" if compared.difference.value > 0 else "fewer"
        said = f"B gets {more} right than A, at 95 %: {measured}"
    ratio = contrast.tokens.ratio
    cost = "" if ratio is None else f", with {ratio:.2f} times A's tokens"
    return f"{said}{cost}."


def _read(name: Path) -> Evaluation:
    path = evaluation_folder(name)
    folders = evaluations_in(path)
    if len(folders) > 1:
        raise UsageError(
            f"{path} holds {len(folders)} evaluations: give the folder of one, such as {folders[0]}"
        )
    return read_evaluation(folders[0])


def _heads(first: Evaluation, second: Evaluation) -> Iterator[str]:
    """Who is who, and what differs."""
    for letter, one in (("A", first), ("B", second)):
        model = f" on {one.model}" if one.model else ""
        yield printable(f"{letter}  {one.path}  {one.system}{model}")
    told = [
        f"{one.name} ({_value(one.first)}, {_value(one.second)})"
        for one in differing(first, second)
    ]
    if told:
        yield printable(f"A and B differ in {joined(told)}")


def _value(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _over(contrast: Contrast) -> str:
    return f"{counted(len(contrast.pairing.first), 'problem')}, k = {contrast.pairing.k}"


def _table(contrast: Contrast) -> TextTable:
    k = contrast.pairing.k
    measures = (contrast.average, contrast.majority)
    costs = (contrast.tokens, contrast.critical_path, contrast.seconds)
    return TextTable(
        head=("", f"avg@{k} ", f"maj@{k} ", "tokens ", "critical path ", "seconds "),
        rows=[
            ("A", *(_rate(m.first) for m in measures), *(_mean(c.first) for c in costs)),
            ("B", *(_rate(m.second) for m in measures), *(_mean(c.second) for c in costs)),
            ("B - A", *(_difference(m) for m in measures), *map(_ratio, costs)),
            ("p", *(_p(m) for m in measures), "", "", ""),
            ("B wins, loses, ties", *(f"{m.wins}, {m.losses}, {m.ties}" for m in measures), "", "", ""),
        ],
    )  # fmt: skip


def _rate(estimate: Estimate) -> str:
    return f"{percent(estimate.value)} ({interval(estimate)})"


def _mean(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return amount(estimate.value)
    return f"{amount(estimate.value)} ({amount(estimate.low)} to {amount(estimate.high)})"


def _difference(compared: Comparison) -> str:
    difference = compared.difference
    low, high = points(difference.low or 0.0), points(difference.high or 0.0)
    return f"{points(difference.value)} ({low} to {high})"


def _p(compared: Comparison) -> str:
    return probability(compared.p).removeprefix("p ").removeprefix("= ")


def _ratio(cost: Cost) -> str:
    return "" if cost.ratio is None else f"x {cost.ratio:.2f}"


def _left_out(contrast: Contrast) -> Iterator[str]:
    pairing = contrast.pairing
    for problems, why in (
        (pairing.missing_in_first, "A has no graded samples of"),
        (pairing.missing_in_second, "B has no graded samples of"),
        (pairing.short, f"fewer than {pairing.k} graded samples in A or B of"),
    ):
        if problems:
            yield f"left out: {why} {counted(len(problems), 'problem')}: {_named(problems)}"
    for letter, several in (("A", pairing.first), ("B", pairing.second)):
        most = max(len(problem.trials) for problem in several)
        if most > pairing.k:
            yield (
                f"{letter} has up to {most} samples of a problem: its figures are what {pairing.k} of them are "
                "expected to give"
            )


def _notes(first: Evaluation, second: Evaluation) -> Iterator[str]:
    """What differs between two evaluations apart from the system, or that nothing does."""
    if first.path.resolve() == second.path.resolve():
        yield "A and B are the same evaluation, of which no difference can be seen: give two"
    for one, letter, other in ((first, "A", second), (second, "B", first)):
        for task in one.problems:
            if task not in other.problems:
                yield f"left out: only {letter} has the task {task}"
        failed = sum(not sample.counts for sample in one.samples.values())
        if failed:
            yield f"left out: {counted(failed, 'sample')} of {letter} that failed"
    for task in first.problems:
        graders = [
            {(grade.grader, grade.version) for key, grade in one.grades.items() if key.task == task}
            for one in (first, second)
        ]
        if task in second.problems and graders[0] != graders[1]:
            yield f"{task} is graded in A and B by different graders or versions: run forkjoin grade on both"


def _named(problems: Sequence[str]) -> str:
    more = len(problems) - _NAMED
    return ", ".join(problems[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _data(
    first: Evaluation, second: Evaluation, found: Sequence[Contrast], notes: Sequence[str]
) -> dict[str, Any]:
    return {
        **{
            name: {
                "path": str(one.path),
                "system": one.system,
                "model": one.configuration.get("model"),
                "k": one.k,
            }
            for name, one in (("first", first), ("second", second))
        },
        "differing": [asdict(one) for one in differing(first, second)],
        "parts": [_part(contrast) for contrast in found],
        "notes": list(notes),
    }


def _part(contrast: Contrast) -> dict[str, Any]:
    pairing = contrast.pairing
    return {
        "part": contrast.part,
        "k": pairing.k,
        "problems": len(pairing.first),
        "missing_in_first": list(pairing.missing_in_first),
        "missing_in_second": list(pairing.missing_in_second),
        "short": list(pairing.short),
        "average": asdict(contrast.average),
        "majority": asdict(contrast.majority),
        **{
            name: {**asdict(cost), "ratio": cost.ratio}
            for name, cost in (
                ("tokens", contrast.tokens),
                ("critical_path", contrast.critical_path),
                ("seconds", contrast.seconds),
            )
        },
        "told_apart": contrast.average.told_apart,
        "finding": finding(contrast),
    }
