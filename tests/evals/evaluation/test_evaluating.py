from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import CallLimiter, Context, EngineError, FakeEngine, Sampling, UsageError
from evals import Problem, Sample
from evals.evaluation.evaluating import Evaluated, begin_evaluation, conclude, resume_evaluation
from evals.evaluation.jobs import jobs
from evals.evaluation.live_grading import LiveGrading
from evals.evaluation.reading import read_evaluation
from evals.evaluation.settings import EvaluationSettings
from evals.evaluation.systems import Thinks
from evals.evaluation.tally import Tally
from evals.grading.judge import Judge
from orchestrator import Budget, Event, JournalError, RunFolderError, RunInUse, RunUnreadable
from orchestrator.runs.run_folder import RunFolder
from orchestrator.runs.run_lock import RunLock
from reasoning import ChainOfThought
from tests.evals.evaluation.making_samples import ONCE, SAMPLING, ExactGrader, problems, task
from tests.orchestrator.journals import FillingUp

pytestmark = pytest.mark.anyio

GRADERS = {"sums": ExactGrader()}


def settings(*, k: int = 2, **options: Any) -> EvaluationSettings:
    known: dict[str, Any] = {
        "name": "one",
        "system": Thinks(method=ChainOfThought(sampling=SAMPLING), described={"method": "one"}),
        "tasks": {"sums": task()},
        "problems": {"sums": problems(3)},
        "calls": ONCE,
        "limiter": CallLimiter(4),
    }
    return EvaluationSettings(k=k, **{**known, **options})


def right(context: Context, sampling: Sampling) -> str:
    """Right at every second problem."""
    return "\\boxed{0}" if "/p0/" in context.path else "\\boxed{?}"


async def begun(folder: Path, engine: FakeEngine, **options: Any) -> Evaluated:
    asked = settings(**options)
    return await begin_evaluation(asked, engine, GRADERS, base=folder, name="kept")


def names(path: Path) -> set[str]:
    return {file.name for file in path.iterdir()}


async def test_a_folder_holds_all_that_an_evaluation_is(tmp_path: Path) -> None:
    done = await begun(tmp_path, FakeEngine(right), sources={"sums": {"kind": "generated"}})
    assert (done.path, done.there, done.total, done.limited_by) == (tmp_path / "kept", 6, 6, None)
    files = {"config.yaml", "env.json", "events.jsonl", "journal.sqlite", "metrics.json"}
    assert names(done.path) >= files | {"problems.jsonl", "samples.jsonl", "grades.jsonl"}
    evaluation = read_evaluation(done.path)
    assert (evaluation.system, evaluation.k) == ("one", 2)
    assert evaluation.configuration["sources"] == {"sums": {"kind": "generated"}}
    assert [grade.correct for grade in evaluation.grades.values()] == [True] * 2 + [False] * 4
    assert done.metrics["pooled"]["average"]["value"] == pytest.approx(1 / 3)
    kept = json.loads((done.path / "metrics.json").read_text())
    assert kept["pooled"] == json.loads(json.dumps(done.metrics["pooled"]))


async def test_k_grows_on_a_resume_and_what_is_there_stays(tmp_path: Path) -> None:
    engine = FakeEngine(right)
    done = await begun(tmp_path, engine, k=1)
    before = read_evaluation(done.path).samples
    done = await resume_evaluation(settings(k=3), engine, GRADERS, path=done.path)
    after = read_evaluation(done.path)
    assert (done.there, after.k, len(after.grades)) == (9, 3, 9)
    assert {key: after.samples[key] for key in before} == before
    assert len(engine.calls) == 9


async def test_samples_of_a_grown_k_are_those_of_one_that_began_so(tmp_path: Path) -> None:
    def drawn(context: Context, sampling: Sampling) -> str:
        return f"\\boxed{{{sampling.seed}}}"

    grown = await begun(tmp_path / "a", FakeEngine(drawn), k=1)
    await resume_evaluation(settings(k=3), FakeEngine(drawn), GRADERS, path=grown.path)
    whole = await begun(tmp_path / "b", FakeEngine(drawn), k=3)
    one, other = (read_evaluation(done.path).samples for done in (grown, whole))
    assert [row.text for row in one.values()] == [row.text for row in other.values()]


async def test_failed_samples_are_done_again_and_the_last_row_counts(tmp_path: Path) -> None:
    broken = ["sums/p1/0"]

    def script(context: Context, sampling: Sampling) -> str | EngineError:
        return EngineError("busy") if context.path in broken else right(context, sampling)

    engine = FakeEngine(script)
    done = await begun(tmp_path, engine)
    assert (done.there, done.total) == (5, 6)
    assert done.metrics["pooled"]["failed"] == 1
    broken.clear()
    done = await resume_evaluation(settings(), engine, GRADERS, path=done.path)
    assert (done.there, done.metrics["pooled"]["failed"]) == (6, 0)
    assert len((done.path / "samples.jsonl").read_text().splitlines()) == 7
    assert len(engine.calls) == 7


async def test_with_more_budget_an_evaluation_comes_to_its_end(tmp_path: Path) -> None:
    engine = FakeEngine(right)
    done = await begun(tmp_path, engine, budget=Budget(calls=4))
    assert (done.there, done.limited_by) == (4, "calls")
    again = await resume_evaluation(
        settings(budget=Budget(calls=4)), engine, GRADERS, path=done.path
    )
    assert (again.there, again.limited_by) == (4, "calls")
    done = await resume_evaluation(
        settings(budget=Budget(calls=6)), engine, GRADERS, path=done.path
    )
    assert (done.there, done.limited_by) == (6, None)
    assert len(engine.calls) == 6


async def test_what_a_budget_cut_short_is_made_whole_with_more(tmp_path: Path) -> None:
    engine = FakeEngine("\\boxed{0} and so on")
    known = await begun(tmp_path / "known", engine, k=1)
    (row, *_) = read_evaluation(known.path).samples.values()
    budget = Budget(tokens=row.usage.prompt_tokens + 5)
    done = await begun(tmp_path, engine, k=1, budget=budget)
    cut = read_evaluation(done.path).samples[row.key]
    assert (cut.text, cut.status, done.there) == ("\\boxe", "cancelled", 0)
    done = await resume_evaluation(settings(k=1), engine, GRADERS, path=done.path)
    assert done.there == 3
    rows = read_evaluation(done.path).samples.values()
    assert {row.text for row in rows} == {"\\boxed{0} and so on"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"k": 1}, "has 2 samples of each problem: -k may be higher, not 1"),
        (
            {"system": Thinks(method=ChainOfThought(), described={"method": "two"})},
            "with another method: 'one', not 'two'",
        ),
        (
            {"problems": {"sums": [Problem(id="p0", problem="Other?", answer="1")]}},
            "with another prompt of sums",
        ),
        ({"tasks": {"other": task("other")}, "problems": {"other": problems(1)}}, "another tasks"),
    ],
)
async def test_what_decides_samples_cannot_be_another(
    changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    done = await begun(tmp_path, FakeEngine(right))
    engine = FakeEngine(right)
    with pytest.raises(UsageError, match=message) as caught:
        await resume_evaluation(settings(**changed), engine, GRADERS, path=done.path)
    assert "\n" not in str(caught.value)
    assert engine.calls == []


async def test_another_model_cannot_go_on(tmp_path: Path) -> None:
    class Other(FakeEngine):
        @property
        def model(self) -> str:
            return "other"

    done = await begun(tmp_path, FakeEngine(right))
    with pytest.raises(UsageError, match="with another model: 'fake', not 'other'"):
        await resume_evaluation(settings(), Other(right), GRADERS, path=done.path)


async def test_two_cannot_work_on_one_evaluation(tmp_path: Path) -> None:
    async def script(context: Context, sampling: Sampling) -> str:
        with pytest.raises(RunInUse):
            await resume_evaluation(settings(), FakeEngine(right), GRADERS, path=tmp_path / "kept")
        return right(context, sampling)

    done = await begun(tmp_path, FakeEngine(script), k=1)
    assert done.there == 3


async def test_who_works_on_an_evaluation_is_told_before_anything_of_it_is_judged(
    tmp_path: Path,
) -> None:
    done = await begun(tmp_path, FakeEngine(right))
    with RunFolder.reopen(done.path), pytest.raises(RunInUse):
        await resume_evaluation(settings(k=1), FakeEngine(right), GRADERS, path=done.path)


async def test_what_another_process_wrote_at_its_end_is_not_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(RunLock):
        """Taken as soon as another process gives it back, which writes until then."""

        def __init__(self, folder: Path) -> None:
            with (folder / "config.yaml").open("a") as configuration:
                configuration.write("by: the other\n")
            super().__init__(folder)

    done = await begun(tmp_path, FakeEngine(right))
    monkeypatch.setattr("orchestrator.runs.run_folder.RunLock", Late)
    await resume_evaluation(settings(), FakeEngine(right), GRADERS, path=done.path)
    assert read_evaluation(done.path).configuration["by"] == "the other"


async def test_an_evaluation_whose_last_spending_cannot_be_written_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = FillingUp("\\boxed{0}")
    monkeypatch.setattr("orchestrator.journal.journal.connect", race.connect)
    one = {"system": Thinks(method=race, described={}), "problems": {"sums": problems(1)}}
    with pytest.raises(JournalError, match="cannot be written: database or disk is full"):
        await begun(tmp_path, race.engine(), k=1, **one)
    kept = json.loads((tmp_path / "kept" / "metrics.json").read_text())
    assert kept["pooled"]["average"]["value"] == 1


async def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine").write_text("dear")
    with pytest.raises(RunFolderError, match="is not empty"):
        await begun(tmp_path, FakeEngine(right))
    assert names(tmp_path / "kept") == {"mine"}


async def test_a_cancelled_evaluation_leaves_no_call_and_goes_on(tmp_path: Path) -> None:
    waiting = anyio.Event()

    async def script(context: Context, sampling: Sampling) -> str:
        if "/p2/" in context.path and not waiting.is_set():
            waiting.set()
            await anyio.sleep_forever()
        return right(context, sampling)

    engine = FakeEngine(script)
    async with anyio.create_task_group() as group:
        group.start_soon(begun, tmp_path, engine)
        await waiting.wait()
        group.cancel_scope.cancel()
    assert (await engine.statistics()).running == 0
    assert engine.aborted >= 1
    done = await resume_evaluation(settings(), engine, GRADERS, path=tmp_path / "kept")
    assert done.there == 6


class Watching:
    """Keeps what it was told."""

    live = False

    def __init__(self) -> None:
        self.told: list[str] = []
        self.tally = Tally(0)

    def begin(self, tally: Tally, path: Path) -> None:
        self.told.append(f"begin {path.name}")
        self.tally = tally

    def hear(self, event: Event) -> None:
        self.told.append(event.kind)

    def end(self) -> None:
        self.told.append("end")


async def test_who_watches_sees_how_it_goes(tmp_path: Path) -> None:
    watching = Watching()
    await begin_evaluation(
        settings(), FakeEngine(right), GRADERS, base=tmp_path, name="kept", watcher=watching
    )
    assert (watching.told[0], watching.told[-1]) == ("begin kept", "end")
    assert watching.told.count("node-finished") == 6
    assert (watching.tally.done, watching.tally.running) == (6, 0)
    # Graded while it goes on, as far as it comes.
    assert watching.tally.graded <= 6


async def test_a_judge_is_asked_when_all_samples_are_made(tmp_path: Path) -> None:
    judge = FakeEngine("yes")

    async def script(context: Context, sampling: Sampling) -> str:
        await anyio.sleep(0.01)
        assert judge.calls == []
        return "\\boxed{7}"

    graders = {"sums": Judge(ExactGrader(), judge)}
    done = await begin_evaluation(settings(k=4), FakeEngine(script), graders, base=tmp_path)
    assert judge.calls
    assert done.metrics["pooled"]["average"]["value"] == 1


async def test_samples_are_kept_where_they_cannot_be_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: object, problem: Problem, answer: str) -> bool:
        raise EngineError("the judge is gone")

    with monkeypatch.context() as patch:
        patch.setattr(ExactGrader, "correct", fails)
        with pytest.raises(EngineError, match="the judge is gone"):
            await begun(tmp_path, FakeEngine(right))
    rows = read_evaluation(tmp_path / "kept").samples
    assert len(rows) == 6
    _, metrics = await conclude(read_evaluation(tmp_path / "kept"), GRADERS)
    assert metrics["pooled"]["average"]["value"] == pytest.approx(1 / 3)


async def test_a_bug_is_raised_as_it_is_and_what_is_there_is_gone_on_with(tmp_path: Path) -> None:
    others_ended = anyio.Event()

    class Seeing(Watching):
        def hear(self, event: Event) -> None:
            super().hear(event)
            if self.told.count("node-finished") == 2:
                others_ended.set()

    async def script(context: Context, sampling: Sampling) -> str:
        if "/p2/" in context.path:
            await others_ended.wait()
            raise KeyError("a bug")
        return right(context, sampling)

    with pytest.raises(KeyError, match="a bug"):
        await begin_evaluation(
            settings(k=1),
            FakeEngine(script),
            GRADERS,
            base=tmp_path,
            name="kept",
            watcher=Seeing(),
        )
    assert len(read_evaluation(tmp_path / "kept").samples) == 2
    engine = FakeEngine(right)
    done = await resume_evaluation(settings(k=1), engine, GRADERS, path=tmp_path / "kept")
    assert (done.there, len(engine.calls)) == (3, 1)


async def test_a_grader_with_a_bug_hides_it_behind_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: object, problem: Problem, answer: str) -> bool:
        raise KeyError("a bug")

    async def ends_late(context: Context, sampling: Sampling) -> str:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.01 if "/p0/" in context.path else 0.05)
        return right(context, sampling)

    with monkeypatch.context() as patch:
        patch.setattr(ExactGrader, "correct", fails)
        with pytest.raises(KeyError, match="a bug"):
            await begun(tmp_path, FakeEngine(ends_late), k=1)
    done = await resume_evaluation(
        settings(k=1), FakeEngine(right), GRADERS, path=tmp_path / "kept"
    )
    assert done.there == 3


async def test_who_does_not_grade_any_more_refuses_no_sample(tmp_path: Path) -> None:
    await begun(tmp_path, FakeEngine(right), k=1)
    ((key, row), *_) = read_evaluation(tmp_path / "kept").samples.items()
    (job, *_) = jobs({"sums": task()}, {"sums": problems(3)}, 1)
    grading = LiveGrading(GRADERS, lambda correct: None)
    with anyio.move_on_after(0.01):
        await grading.run()
    grading.offer(job, row)
    assert job.key == key


async def test_what_is_asked_is_kept_for_people(tmp_path: Path) -> None:
    def rendered(problem: Problem) -> str:
        return f"Say {problem.problem}"

    tasks = {
        "sums": replace(task(), prompt="{problem}\n\nBox it."),
        "more": replace(task("more"), prompt=rendered),
    }
    asked = settings(tasks=tasks, problems={"sums": problems(2), "more": problems(2, first=3)})
    graders = {name: ExactGrader() for name in tasks}
    done = await begin_evaluation(asked, FakeEngine(right), graders, base=tmp_path)
    prompts = read_evaluation(done.path).configuration["prompts"]
    assert prompts["sums"]["template"] == "{problem}\n\nBox it."
    assert prompts["more"]["first"] == "Say 3 + 0?"
    other = replace(asked, tasks={**tasks, "sums": replace(task(), prompt="{problem}\nNow.")})
    message = r"another prompt of sums: '\{problem\}\\n\\nBox it.', not '\{problem\}\\nNow.'"
    with pytest.raises(UsageError, match=message):
        await resume_evaluation(other, FakeEngine(right), graders, path=done.path)


@pytest.mark.parametrize("lost", [{"problems.jsonl"}, {"problems.jsonl", "journal.sqlite"}])
async def test_what_was_killed_before_it_began_is_gone_on_with(
    lost: set[str], tmp_path: Path
) -> None:
    done = await begun(tmp_path, FakeEngine(right))
    for file in done.path.iterdir():
        # A kill may leave these.
        if file.name in lost or file.name not in {"config.yaml", "journal.sqlite"}:
            file.unlink()
    again = await resume_evaluation(settings(), FakeEngine(right), GRADERS, path=done.path)
    assert again.there == 6
    assert tuple(read_evaluation(done.path).problems["sums"]) == problems(3)


async def test_a_journal_that_is_lost_later_is_missed(tmp_path: Path) -> None:
    done = await begun(tmp_path, FakeEngine(right))
    (done.path / "journal.sqlite").unlink()
    with pytest.raises(JournalError, match="is not there"):
        await resume_evaluation(settings(), FakeEngine(right), GRADERS, path=done.path)


async def test_a_folder_without_problems_says_so(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    with pytest.raises(RunUnreadable, match="is no evaluation"):
        await resume_evaluation(settings(), FakeEngine(right), GRADERS, path=tmp_path / "kept")


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(UsageError, match="-k 0: at least 1 sample"):
        settings(k=0)
    with pytest.raises(UsageError, match="sums has no problems"):
        settings(problems={"sums": ()})
    with pytest.raises(UsageError, match="no task"):
        settings(tasks={}, problems={})


def test_a_row_that_counts_is_a_sample_of_the_system() -> None:
    states = {"ok": True, "truncated": True, "failed": False, "cancelled": False}
    for status, counts in states.items():
        row = Sample.model_validate({"task": "t", "problem": "p", "sample": 0, "status": status})
        assert row.counts is counts


async def test_evaluations_of_one_name_have_journals_of_their_own(tmp_path: Path) -> None:
    for number, engine in enumerate((FakeEngine("\\boxed{0}"), FakeEngine("\\boxed{9}"))):
        done = await begin_evaluation(
            settings(),
            engine,
            GRADERS,
            base=tmp_path / str(number),
            name="kept",
            journal_dir=str(tmp_path / "journals"),
        )
        assert len(engine.calls) == done.total
        before = len(engine.calls)
        await resume_evaluation(settings(), engine, GRADERS, path=done.path)
        assert len(engine.calls) == before
    assert len(list((tmp_path / "journals").rglob("*.sqlite"))) == 2
