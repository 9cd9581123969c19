"""A Ray cluster of two nodes on this machine, as `ray start` makes them: two raylets on two addresses of the loopback.

    head    127.0.0.2    gcs, raylet, 1 CPU
    second  127.0.0.3         raylet, 1 CPU

Its ports are open on every interface, which Ray leaves no choice in, so that only who has the token gets in. A test
module takes the fixture by `cluster = ray_cluster.cluster`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import held_port

_HEAD, _SECOND = "127.0.0.2", "127.0.0.3"
_SECONDS_TO_START = 240
_NODE = (
    "--num-cpus=1 --num-gpus=0 --object-store-memory=80000000 --include-log-monitor=false "
    "--disable-usage-stats --block"
)
_OF_HEAD = "--head --include-dashboard=false --no-monitor"


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs.

    Attributes:
        variables: What a process has in its environment to find it and get in.
        group: The process group of all of its processes.
    """

    variables: dict[str, str]
    group: int

    def actors(self) -> list[int]:
        """The processes of the actors that answer rows."""
        return [
            pid for pid, line in _processes(self.group).items() if line.startswith("ray::RayWorker")
        ]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("ray")
    # A socket's path may have 107 bytes, and Ray's own part of it is 80 long.
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    try:
        with (
            held_port() as port,
            held_port() as client_port,
            _started(folder, port, client_port) as cluster,
        ):
            yield cluster
    finally:
        shutil.rmtree(folder)


@contextmanager
def _started(folder: Path, port: int, client_port: int) -> Iterator[Cluster]:
    address = f"{_HEAD}:{port}"
    variables = {
        "RAY_ADDRESS": address,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    start = f"{Path(sys.executable).with_name('ray')} start {_NODE}"
    ports = f"--port={port} --ray-client-server-port={client_port}"
    head = f"{start} {_OF_HEAD} {ports} --node-ip-address={_HEAD} --temp-dir={folder}/1"
    second = f"{start} --address={address} --node-ip-address={_SECOND} --temp-dir={folder}/2"
    shell = subprocess.Popen(
        ["sh", "-c", f"{head} >{folder}/1.log 2>&1 & {second} >{folder}/2.log 2>&1 & wait"],
        stdin=subprocess.DEVNULL,
        # So often the second node asks for the head, 2 s apart: else it gives up before a busy machine has one.
        env={**os.environ, **variables, "RAY_NUM_REDIS_GET_RETRIES": str(_SECONDS_TO_START // 2)},
        start_new_session=True,
    )
    with shell:
        try:
            for log in (folder / "1.log", folder / "2.log"):
                _wait_until_started(log)
            yield Cluster(variables, shell.pid)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
            while _processes(shell.pid):
                time.sleep(0.01)


def _wait_until_started(log: Path) -> None:
    """Both begin at once, since most of what they do is to import Ray; the second waits for the head."""
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end:
        if log.exists() and "Ray runtime started" in log.read_text():
            return
        time.sleep(0.1)
    raise RuntimeError(f"Ray did not start:\n{log.read_text()}")


def _processes(group: int) -> dict[int, str]:
    """The processes of a group that are alive, each with its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError, FileNotFoundError):
            # After the name, which may have blanks and brackets: state, parent, group.
            state, _, number = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(number) == group and state != "Z":
                line = (folder / "cmdline").read_text().replace("\0", " ")
                found[int(folder.name)] = line
    return found
