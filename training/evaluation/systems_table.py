"""Systems on a task as a table: what each gets right, what it costs, and how many times less than the first. Pure.

    evaluations of one task ─> a row each: right, critical path and its ratio, tokens, format, threads

Ratios are paired: of each problem, what the one system took over what the other took, and the mean of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals import Estimate, Evaluation, Sample, Trial, Trials
from evals.estimates import interval
from evals.estimates.estimating import estimate, mean_of
from evals.estimates.measures import average_at
from evals.evaluation.graded_trials import trials_of

from .part import Table, mean, rate

_HEADERS = (
    "system", "n", "k", "right %", "critical path", "x fewer", "tokens", "valid %", "threads",
)  # fmt: skip
_NOTES = (
    "In brackets: intervals of 95 % over problems. Tokens are those generated for a sample in all its calls; the "
    "critical path are those one after another; x fewer: of {base} over this one's, paired by problem.",
    "valid: samples that ended by themselves and that their method says nothing against; threads: of an agent "
    "the steps of its plan.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFigures:
    """A system on a task.

    Attributes:
        system: What it is called.
        problems: How many were measured: those with a graded sample.
        samples: How many of these there are.
        failed: Samples that the engine failed, which are left out.
        right: The share of samples that are right.
        path: Tokens on the critical path of a sample.
        fewer: How many times fewer these are than the first system's; None of the first.
        tokens: Tokens of a sample in all.
        valid: The share of samples whose format held.
        threads: Of a sample: the leaves of what forked; 0 where nothing did.
    """

    system: str
    problems: int
    samples: int
    failed: int
    right: Estimate
    path: Estimate
    fewer: Estimate | None
    tokens: Estimate
    valid: Estimate
    threads: Estimate

    @property
    def k(self) -> str:
        """Samples of a problem."""
        return f"{self.samples / self.problems:.3g}"

    def row(self) -> list[str]:
        """The figures as texts."""
        return [
            self.system,
            f"{self.problems:,}",
            self.k,
            rate(self.right),
            mean(self.path),
            mean(self.fewer, digits=2),
            mean(self.tokens),
            rate(self.valid),
            mean(self.threads, digits=1),
        ]


def systems_table(
    title: str,
    task: str,
    evaluations: Sequence[Evaluation],
    first: Evaluation | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """The table of several systems.

    Args:
        title: What it shows.
        task: On which task; those that have no graded samples of it are left out, and named in a note.
        evaluations: The systems, in their order.
        first: What the others are compared with; None is the first of them.
        notes: What a reader has to know beside what is the same for all such tables.
    """
    known = [one for one in evaluations if any(p.trials for p in _trials(one, task))]
    base = first or evaluations[0]
    rows = [figures_of(one, task, base) for one in known]
    absent = [one.name for one in evaluations if one not in known]
    told = [
        *notes,
        *_left_out(rows),
        *(f"No graded samples: {name}." for name in absent),
        *(note.format(base=base.system) for note in _NOTES),
    ]
    return Table(
        title=title,
        headers=_HEADERS,
        rows=[row.row() for row in rows],
        notes=told,
        data={"task": task, "systems": [asdict(row) for row in rows]},
    )


def figures_of(evaluation: Evaluation, task: str, first: Evaluation) -> SystemFigures:
    """What an evaluation says of a task on which it has graded samples.

    Args:
        evaluation: The system.
        task: The task.
        first: What its critical path is compared with.
    """
    trials = [problem for problem in _trials(evaluation, task) if problem.trials]
    samples = _by_problem(evaluation, task)
    return SystemFigures(
        system=evaluation.system,
        problems=len(trials),
        samples=sum(len(problem.trials) for problem in trials),
        failed=sum(not one.counts for key, one in evaluation.samples.items() if key.task == task),
        right=estimate(average_at, trials, 1),
        path=mean_of(_path, trials),
        fewer=None if evaluation is first else times_fewer(_trials(first, task), trials, _path),
        tokens=mean_of(lambda trial: trial.tokens, trials),
        valid=interval.rate([_mean(map(is_valid, several)) for several in samples]),
        threads=interval.mean_of([_mean(map(threads_of, several)) for several in samples]),
    )


def times_fewer(
    first: Sequence[Trials], second: Sequence[Trials], quantity: Callable[[Trial], float]
) -> Estimate | None:
    """How many times less of something the second system takes: the mean over the problems that both have.

    None where they share no problem of which the second takes something.
    """
    means = {p.problem: _mean(map(quantity, p.trials)) for p in first if p.trials}
    ratios = [
        means[p.problem] / taken
        for p in second
        if p.trials and p.problem in means and (taken := _mean(map(quantity, p.trials)))
    ]
    return interval.mean_of(ratios) if ratios else None


def is_valid(sample: Sample) -> bool:
    """Whether its format held: it came to its end, and its method has no remark on it."""
    return sample.status == "ok" and not sample.remark


def threads_of(sample: Sample) -> int:
    """How many threads it came from: the leaves of the tree."""
    return sum(map(_leaves, sample.threads))


def _leaves(thread: Mapping[str, Any]) -> int:
    return sum(map(_leaves, thread["threads"])) or 1


def _path(trial: Trial) -> float:
    return trial.critical_path


def _trials(evaluation: Evaluation, task: str) -> Sequence[Trials]:
    return trials_of(evaluation, task) if task in evaluation.problems else ()


def _by_problem(evaluation: Evaluation, task: str) -> list[list[Sample]]:
    """The samples that count and have a grade."""
    found: dict[str, list[Sample]] = {}
    for key, sample in evaluation.samples.items():
        if key.task == task and sample.counts and key in evaluation.grades:
            found.setdefault(key.problem, []).append(sample)
    return list(found.values())


def _left_out(rows: Sequence[SystemFigures]) -> Iterator[str]:
    for row in rows:
        if row.failed:
            made = row.samples + row.failed
            yield f"Left out: {row.failed:,} of {made:,} samples of {row.system}, which the engine failed."


def _mean(values: Iterator[float]) -> float:
    known = list(values)
    return sum(known) / len(known)
