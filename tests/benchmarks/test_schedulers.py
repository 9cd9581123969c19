from __future__ import annotations

import subprocess
from importlib import import_module

import anyio
import pytest

from benchmarks import peer_environment, scheduling
from benchmarks.report import machine, table
from benchmarks.schedulers.shapes import SHAPES

SIZE = 400
OWN = [module for name, module in scheduling.MODULES.items() if name not in scheduling.PEERS]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_its_size_and_every_node_needs_nodes_before_it(shape: str) -> None:
    nodes = SHAPES[shape](SIZE)
    assert len(nodes) == SIZE
    for number, needs in enumerate(nodes):
        assert list(needs) == sorted(set(needs))
        assert all(0 <= need < number for need in needs)


@pytest.mark.parametrize("module", OWN)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_scheduler_runs_every_node_of_a_shape_as_often_as_it_is_asked(
    module: str, shape: str
) -> None:
    run = import_module(f"benchmarks.schedulers.{module}").prepare(shape, SIZE)
    assert [anyio.run(run), anyio.run(run)] == [SIZE, SIZE]


def test_peers_that_cannot_be_installed_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*command: str) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="trying\nERROR: no network\n")

    monkeypatch.setattr(peer_environment, "FOLDER", peer_environment.ROOT / ".bench" / "no-peers")
    monkeypatch.setattr(peer_environment, "_run", fail)
    assert peer_environment.peers_python() is None
    assert "left out: ERROR: no network" in capsys.readouterr().out


def test_a_table_is_aligned() -> None:
    assert table(["what", "µs"], [["ours", "9.5"], ["a peer", "123.0"]]) == (
        "what       µs\n------  -----\nours      9.5\na peer  123.0"
    )
    assert "cores of" in machine()
