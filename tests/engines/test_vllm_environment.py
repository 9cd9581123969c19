from __future__ import annotations

import os
from pathlib import Path

import pytest

from engines import vllm_environment as environment
from engines.vllm_environment import START_LOCK, threads_for_core

# Processors 0 and 1 are one core, so are 2 and 3; 4 is one by itself.
CORES = {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3", 4: "4"}


@pytest.mark.parametrize(
    ("usable", "threads"),
    [({0, 1, 2, 3, 4}, 2), ({0, 2}, 1), ({0, 1}, 1), ({3}, 1), ({1, 3, 4}, 2)],
)
def test_a_thread_a_core_but_for_one(
    monkeypatch: pytest.MonkeyPatch, usable: set[int], threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: usable, raising=False)
    monkeypatch.setattr(environment, "_core_of", CORES.__getitem__)
    assert threads_for_core() == threads


def test_where_nobody_tells_of_cores_every_processor_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(Path, "read_text", _nothing_there)
    assert threads_for_core() == 3


def test_the_threads_are_set_for_a_cpu_only_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with START_LOCK, environment.vllm_environment():
        assert "OMP_NUM_THREADS" not in os.environ
    with START_LOCK, environment.vllm_environment(on_cpu=True):
        assert os.environ["OMP_NUM_THREADS"] == str(threads_for_core())
    assert "OMP_NUM_THREADS" not in os.environ


def test_the_user_s_own_number_of_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with START_LOCK, environment.vllm_environment(on_cpu=True):
        assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["OMP_NUM_THREADS"] == "7"


def _nothing_there(path: object) -> str:
    raise FileNotFoundError(str(path))
