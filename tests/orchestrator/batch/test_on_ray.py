"""Batches on a real Ray cluster of two nodes: the same bytes as in one process, whoever is killed meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.meta.sources import ROOT
from tests.orchestrator import here
from tests.orchestrator.batch import ray_cluster
from tests.orchestrator.batch.lines import chat, plain
from tests.orchestrator.batch.ray_cluster import Cluster
from tests.orchestrator.here import Here
from tests.orchestrator.processes import FORKJOIN, started, to_end

cluster = ray_cluster.cluster
run_here = here.run_here

# Every process of an engine writes down what it was asked, on which node, and that it was closed.
MINE = """
import os
from pathlib import Path
import anyio
from engines import FakeEngine

def node():
    import ray
    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else "none"

OWN = f"{node()}-{os.getpid()}"

def asked():
    return sum(len(path.read_text().splitlines()) for path in Path().glob("asked-*"))

async def reply(context, sampling):
    text = context.turns[-2].text
    with open(f"asked-{OWN}", "a") as file:
        file.write(text + "\\n")
    # An actor that is there before the other does not do all of the work.
    while Path("two").exists() and len(list(Path().glob("asked-*"))) < 2:
        await anyio.sleep(0.01)
    # A batch that is to be stopped does not end before that.
    while Path("most").exists() and asked() > int(Path("most").read_text()):
        await anyio.sleep(0.01)
    if text == "30" and Path("deadly").exists():
        Path("deadly").unlink()
        os.kill(os.getpid(), 9)
    await anyio.sleep(SECONDS)
    return f"{text} with {sampling.seed}"

class Engine(FakeEngine):
    async def aclose(self):
        await super().aclose()
        Path(f"closed-{OWN}").touch()

def engine():
    return Engine(reply)

def broken():
    from engines import EngineUnavailable
    raise EngineUnavailable("no model\\nhere")
"""
OPTIONS = ("batch", "in.jsonl", "--engine", "mine:engine", "--seed", "7", "--width", "4")
ROWS = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with rows and an engine, where a command runs."""
    (tmp_path / "mine.py").write_text(f"SECONDS = 0.005\n{MINE}")
    lines = [chat(f"c{i}", f"{i}") if i % 2 else plain(i, f"{i}") for i in range(ROWS)]
    (tmp_path / "in.jsonl").write_text("\n".join([*lines, "{", lines[0]]) + "\n")
    return tmp_path


@pytest.fixture
def whole(folder: Path, run_here: Here) -> Path:
    """What the same batch comes to in one process."""
    assert run_here(*OPTIONS, "-o", "whole.jsonl").returncode == 1
    for path in (*folder.glob("asked-*"), *folder.glob("closed-*")):
        path.unlink()
    return folder / "whole.jsonl"


def on_ray(folder: Path, cluster: Cluster, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the batch on the cluster to its end."""
    command = [str(FORKJOIN), *OPTIONS, "-o", "out.jsonl", "--backend", "ray", *options]
    with started(*command, folder=folder, more=cluster.variables) as process:
        output, errors = to_end(process)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def stopped(folder: Path, cluster: Cluster, number: int, rows: int) -> tuple[int, str]:
    """Stops the batch by a signal when so many rows are done, and waits until its actors are gone."""
    command = [str(FORKJOIN), *OPTIONS, "-o", "out.jsonl", "--backend", "ray"]
    # Of these, at most four are in flight in each of the two engines.
    (folder / "most").write_text(str(len(asked(folder)) + rows - done(folder) + 8))
    with started(*command, folder=folder, more=cluster.variables) as process:
        while process.poll() is None and done(folder) < rows:
            time.sleep(0.01)
        process.send_signal(number)
        _, errors = to_end(process)
    wait_until_all_are_gone(cluster)
    (folder / "most").unlink()
    return process.returncode, errors


def wait_until_all_are_gone(cluster: Cluster) -> None:
    """Actors of a batch that has ended end a moment later."""
    while cluster.actors():
        time.sleep(0.01)


def done(folder: Path) -> int:
    """How many rows the batch has finished."""
    part = folder / "out.jsonl.part"
    return part.read_bytes().count(b"\nA ") if part.exists() else 0


def asked(folder: Path) -> list[str]:
    """What all engines were asked."""
    return [line for path in folder.glob("asked-*") for line in path.read_text().splitlines()]


def own(folder: Path, kind: str) -> set[str]:
    """Which engines were asked or closed, each by its node and process."""
    return {path.name.removeprefix(f"{kind}-") for path in folder.glob(f"{kind}-*")}


def assert_same(folder: Path, whole: Path) -> None:
    """The output and the errors are those of one process."""
    for kind in ("", ".errors"):
        assert (folder / f"out{kind}.jsonl").read_bytes() == (
            whole.with_name(f"whole{kind}.jsonl").read_bytes()
        )


def test_an_actor_that_is_killed_loses_and_repeats_nothing(
    folder: Path, whole: Path, cluster: Cluster
) -> None:
    (folder / "two").touch()
    (folder / "deadly").touch()
    run = on_ray(folder, cluster)
    assert run.returncode == 1, run.stderr
    assert "an actor died, and its " in run.stderr
    assert_same(folder, whole)
    # Nothing is asked again but what was with the one that died.
    assert set(asked(folder)) == {str(number) for number in range(ROWS)}
    assert len(asked(folder)) <= ROWS + 4
    assert len({name.split("-")[0] for name in own(folder, "asked")}) == 2
    assert len(own(folder, "asked") - own(folder, "closed")) == 1
    wait_until_all_are_gone(cluster)


def test_a_batch_that_is_stopped_leaves_nothing_behind_and_goes_on(
    folder: Path, whole: Path, cluster: Cluster
) -> None:
    code, errors = stopped(folder, cluster, signal.SIGTERM, 20)
    assert code == 130
    assert errors.splitlines()[-1] == "forkjoin: cancelled"
    assert "rows are done: the same command goes on" in errors.splitlines()[-2]
    assert not [line for line in errors.splitlines() if line.startswith(("[", "*", " "))]
    assert own(folder, "asked") <= own(folder, "closed")
    first = done(folder)

    code, _ = stopped(folder, cluster, signal.SIGKILL, first + 20)
    assert code == -signal.SIGKILL
    assert not (folder / "out.jsonl").exists()
    second = done(folder)
    assert second >= first + 20

    run = on_ray(folder, cluster)
    assert run.returncode == 1, run.stderr
    assert_same(folder, whole)
    # No more than what was with the actors each time.
    assert len(asked(folder)) <= ROWS + 2 * 2 * 8


def test_what_keeps_an_engine_from_opening_is_told_in_a_line(
    folder: Path, cluster: Cluster
) -> None:
    run = on_ray(folder, cluster, "--engine", "mine:broken")
    assert run.returncode == 1
    (line,) = [line for line in run.stderr.splitlines() if line.startswith("forkjoin: ")]
    assert line.endswith(": no model here")
    assert not [line for line in run.stderr.splitlines() if line.startswith((" ", "Traceback"))]
    assert list(folder.glob("out*")) == []


def test_the_example_answers_its_questions(folder: Path, cluster: Cluster) -> None:
    (folder / "mine.py").write_text(f"SECONDS = 0\n{MINE}")
    command = [sys.executable, "-m", "examples.batch_on_ray", "--engine", "mine:engine"]
    more = {**cluster.variables, "PYTHONPATH": str(ROOT)}
    with started(*command, "--actors", "1", folder=folder, more=more) as process:
        output, errors = to_end(process)
    assert process.returncode == 0, errors
    assert re.findall(r"^(\d+-\d+): ", output, re.MULTILINE) == ["12-7", "34-8", "56-9"]
    assert asked(folder).count("What is 34 * 8?") == 3
