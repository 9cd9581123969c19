"""vLLM's own server in a process of its own, on loopback, for parts that measure over HTTP.

    served ─> python -m benchmarks.gpu.plain_vllm.served PARENT LOG ─> follows its parent, becomes vLLM's server
       └────> /health? ─> its address ─> the block ─> asked to end, killed with all that it started

It ends with the block, however that ends, and with this process, should that be killed.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import anyio
import httpx
from anyio.abc import Process

from engines import EngineError
from engines.local import CPU_OPTIONS
from engines.process_guard import first_error, follow
from engines.vllm_environment import START_LOCK, vllm_environment

_SERVER = "benchmarks.gpu.plain_vllm.serve"
_ROOT = Path(__file__).parents[3]
_HOST = "127.0.0.1"
_SECONDS_TO_START = 300.0
_SECONDS_TO_END = 20.0
_SECONDS_BETWEEN_LOOKS = 0.25
_LINES_TOLD = 12
# So that a call says what was cached; lines about calls are of no use here.
_ALWAYS: Mapping[str, Any] = {
    "enable_prompt_tokens_details": True,
    "disable_uvicorn_access_log": True,
    # As the local engine.
    "scheduling_policy": "priority",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        url: Its address.
        pid: Its process. It speaks HTTP, or others that it starts do; the model is computed in one more.
    """

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """What has been used of processors so far to speak HTTP."""
        found = 0
        for folder in Path("/proc").glob("[0-9]*"):
            # A process may end meanwhile.
            with suppress(FileNotFoundError, ProcessLookupError):
                # Behind the name, which may hold blanks: the 4th, 14th and 15th field of the line.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                its_own = folder.name == str(self.pid) or int(fields[1]) == self.pid
                if its_own and b"EngineCore" not in (folder / "cmdline").read_bytes():
                    found += int(fields[11]) + int(fields[12])
        return found / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def served(
    model: str,
    options: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    seconds: float = _SECONDS_TO_START,
    module: str = _SERVER,
) -> AsyncIterator[Server]:
    """Starts a server of a model, and ends it with the block.

    Args:
        model: Its folder, whose name the server knows it by.
        options: Of vLLM's engine, by the names that it has for them in Python.
        environment: Variables beside those that the local engine starts with.
        seconds: How long it may take until it answers.
        module: What is the server.

    Raises:
        EngineError: It does not answer in time, or ends before, with the last lines of its log.
    """
    on_cpu = _is_on_cpu()
    url = f"http://{_HOST}:{_free_port()}"
    with START_LOCK, vllm_environment(on_cpu=on_cpu):
        variables = {**os.environ, **(environment or {})}
    descriptor, log = tempfile.mkstemp(prefix="forkjoin-server-", suffix=".log")
    try:
        process = await anyio.open_process(
            [
                *(
                    sys.executable,
                    "-m",
                    "benchmarks.gpu.plain_vllm.served",
                    str(os.getpid()),
                    log,
                    module,
                ),
                *(f"--model={model}", f"--served-model-name={Path(model).name}"),
                *(f"--host={_HOST}", f"--port={url.rpartition(':')[2]}"),
                *arguments({**_ALWAYS, **(CPU_OPTIONS if on_cpu else {}), **options}),
            ],
            stdin=DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=_ROOT,
            env=variables,
        )
    finally:
        os.close(descriptor)
    try:
        if not await _answers(url, process, seconds):
            raise EngineError(f"{module} does not serve {model}: {_cause(Path(log))}")
        yield Server(url, process.pid)
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
            await process.aclose()
    # Where something went wrong, it stays.
    Path(log).unlink()


def arguments(options: Mapping[str, Any]) -> list[str]:
    """Options of vLLM's engine as its command line has them.

    >>> arguments({"max_num_seqs": 64, "enforce_eager": True, "enable_chunked_prefill": False})
    ['--max-num-seqs=64', '--enforce-eager', '--no-enable-chunked-prefill']
    >>> arguments({"compilation_config": {"mode": 0}})
    ['--compilation-config={"mode": 0}']
    >>> arguments({"cudagraph_capture_sizes": [1, 8]})
    ['--cudagraph-capture-sizes', '1', '8']
    """
    found = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            found.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, list):
            found += [f"--{flag}", *map(str, value)]
        elif isinstance(value, Mapping):
            found.append(f"--{flag}={json.dumps(value)}")
        else:
            found.append(f"--{flag}={value}")
    return found


async def _answers(url: str, process: Process, seconds: float) -> bool:
    """Waits until it does; returns whether, within so many seconds and its life."""
    # No proxy of the environment leads to this machine.
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        with anyio.move_on_after(seconds):
            while process.returncode is None:
                with suppress(httpx.HTTPError):
                    if (await client.get(f"{url}/health")).is_success:
                        return True
                await anyio.sleep(_SECONDS_BETWEEN_LOOKS)
    return False


async def _end(process: Process) -> None:
    """First it is asked to; what is left of it and of what it started is killed."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with anyio.move_on_after(_SECONDS_TO_END):
            await process.wait()
    with suppress(ProcessLookupError):
        # All of its session. Where it is too young to have one of its own, it is alone.
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _cause(log: Path) -> str:
    """The first error, and the last lines."""
    last = log.read_text(errors="replace").splitlines()[-_LINES_TOLD:]
    return "\n".join([first_error(log), f"its log, {log}, ends with", *last]).lstrip()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind((_HOST, 0))
        return int(bound.getsockname()[1])


def _is_on_cpu() -> bool:
    import torch

    return not torch.cuda.is_available()


def _become(parent: int, log: str, module: str) -> None:
    """Follows the parent, and runs the module as `python -m` does."""
    follow(parent, log)
    sys.argv[1:] = sys.argv[4:]
    # As the main module itself, which processes that it spawns import again.
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2], sys.argv[3])
