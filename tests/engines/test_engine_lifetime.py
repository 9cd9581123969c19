"""A real engine under Ctrl-C and kill -9. One start serves both, since a start takes a minute."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orchestrator.processes import is_alive

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed"),
]

PROGRAM = """
    import json
    from engines import Sampling, local_engine, run_in_portal
    from orchestrator import Agent, TokensGenerated

    def saying_when_it_thinks():
        said = False

        def say(event):
            nonlocal said
            if isinstance(event, TokensGenerated) and not said:
                said = True
                print("thinking", flush=True)

        return say

    def think(agent):
        say = saying_when_it_thinks()
        agent.run_sync("Count to a thousand.", subscribers=[say], live=True)

    def main():
        with local_engine(max_model_len=2048) as engine:
            sampling = Sampling(max_tokens=1500, ignore_eos=True)
            agent = Agent(engine, planner="single", sampling=sampling)
            try:
                think(agent)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            told = ""
            while told != "go on":
                statistics = run_in_portal(engine.statistics)
                print(json.dumps([statistics.running, statistics.waiting]), flush=True)
                told = input()
            think(agent)

    if __name__ == "__main__":
        main()
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM))
    process = subprocess.Popen(
        [sys.executable, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    )
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_drains_and_a_killed_parent_leaves_no_process(
    program: subprocess.Popen[str],
) -> None:
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stdout.readline() == "thinking\n"
    family = descendants(program.pid)
    assert any("EngineCore" in name for name in family.values()), family

    os.killpg(program.pid, signal.SIGINT)
    assert program.stdout.readline() == "interrupted\n"
    # The core tells its counts with its next step.
    while json.loads(program.stdout.readline()) != [0, 0]:
        time.sleep(0.1)
        program.stdin.write("look again\n")
        program.stdin.flush()
    program.stdin.write("go on\n")
    program.stdin.flush()
    assert program.stdout.readline() == "thinking\n", "the engine did not survive the interrupt"

    family = descendants(program.pid)
    assert len(family) >= 2
    program.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while (left := {pid for pid in family if is_alive(pid)}) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, {pid: family[pid] for pid in left}


def descendants(parent: int) -> dict[int, str]:
    """The command lines of all processes below one."""
    listing = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    processes = [line.split(maxsplit=2) for line in listing.splitlines()]
    found: dict[int, str] = {}
    frontier = {parent}
    while frontier:
        children = {int(p[0]): p[2] for p in processes if int(p[1]) in frontier and len(p) > 2}
        found |= children
        frontier = set(children)
    return {pid: name for pid, name in found.items() if not name.startswith("ps ")}
