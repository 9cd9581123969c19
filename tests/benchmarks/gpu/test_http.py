"""The part that compares HTTP with the engine in process, on fakes of a known pace; and the server that it starts."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.part import Engines, Incomplete, Setting
from benchmarks.gpu.parts import http
from benchmarks.gpu.parts.http import compare
from benchmarks.gpu.plain_vllm.served import Server, arguments, served
from engines import Engine, EngineError, FakeEngine, single_error
from tests.backends import run_virtually
from tests.orchestrator.processes import is_alive

SERVER = '''
import http.server, subprocess, sys, time
child = subprocess.Popen(["sleep", "60"])
# Two that work until they have had half a second of a processor: one of them is the engine's core.
works = """
import time
while time.process_time() < 0.5:
    pass
print("done", flush=True)
time.sleep(60)
"""
for name in ("ApiServer", "EngineCore"):
    worker = subprocess.Popen([sys.executable, "-S", "-c", works, name], stdout=subprocess.PIPE)
    worker.stdout.readline()
port = next(int(a.partition("=")[2]) for a in sys.argv if a.startswith("--port="))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(" ".join([str(child.pid), *sys.argv[1:]]).encode())

    def log_message(self, *arguments):
        pass

http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
'''
BROKEN = "raise ValueError('no such option')"
SLOW = "import time; time.sleep(60)"


def setting() -> Setting:
    def opened(model: str | None, **options: Any) -> Any:
        raise AssertionError("no engine is needed")

    return Setting(engines=Engines(opened, None, {}), model="fake", small=True, say=lambda _: None)


def fake(seconds_per_token: float, text: str = "x" * 100) -> FakeEngine:
    return FakeEngine(text, seconds_per_token=seconds_per_token)


def compared(inside: Engine, over: Engine, processes: int = 1) -> list[Figure]:
    async def main() -> list[Figure]:
        with single_error():
            return await compare(setting(), inside, over, lambda: 0.0, processes)

    return run_virtually(main)


def test_the_ratio_is_that_of_tokens_a_second() -> None:
    whole, parts = compared(fake(0.25), fake(0.3125))
    assert whole.value == pytest.approx(0.8)
    assert whole.reached is False
    # Two calls one after another in each of four workers, 8 tokens each.
    assert whole.data["seconds_in_process"] == [2 * 8 * 0.25]
    assert whole.detail.startswith("13 beside 16 tokens/s")
    assert parts.value == pytest.approx(0.8)
    assert parts.goal is None


def test_prompts_are_never_asked_again() -> None:
    inside, over = fake(0.25), fake(0.25)
    figures = [*compared(inside, over, 1), *compared(inside, over, 4)]
    assert all(figure.value == 1 for figure in figures)
    assert len({figure.what for figure in figures}) == 4
    for engine in (inside, over):
        prompts = {call.context.token_ids for call in engine.calls}
        # Beside either server, a round that warms up and one that counts.
        assert len(prompts) == len(engine.calls) == 2 * 2 * (8 + 4)


def test_calls_that_end_early_are_no_figure() -> None:
    with pytest.raises(Mismeasured, match=r"\(5, 5\) tokens came back instead of 8"):
        compared(fake(0.25), fake(0.25, text="short"))


class Servers:
    """Servers of a pace, that know with which options they were started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, hangs_from: int = 99) -> None:
        self.started: list[Mapping[str, Any]] = []
        self._hangs_from = hangs_from
        monkeypatch.setattr(http, "served", self._served)
        monkeypatch.setattr(http, "HttpEngine", lambda url: fake(0.25))

    def measured(self) -> list[Figure]:
        @asynccontextmanager
        async def opened(model: str | None, **options: Any) -> AsyncIterator[Engine]:
            yield fake(0.25)

        async def main() -> list[Figure]:
            async with Engines(opened, None, {}) as engines:
                return await http.measure(replace(setting(), engines=engines))

        return run_virtually(main)

    @asynccontextmanager
    async def _served(self, model: str, options: Mapping[str, Any]) -> AsyncIterator[Server]:
        self.started.append(options)
        if len(self.started) >= self._hangs_from:
            await anyio.sleep_forever()
        yield Server("http://nowhere", os.getpid())


def test_servers_of_one_and_of_four_processes_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = Servers(monkeypatch)
    figures = servers.measured()
    assert [options["api_server_count"] for options in servers.started] == [1, 4]
    told = [figure.what.split(", ")[1] for figure in figures]
    assert told == ["one process"] * 2 + ["4 processes"] * 2
    assert {figure.value for figure in figures} == {1}


def test_a_server_that_hangs_costs_the_figures_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = Servers(monkeypatch, hangs_from=2)
    with pytest.raises(Incomplete, match="4 processes: more than 230 s") as caught:
        servers.measured()
    assert len(caught.value.figures) == 2


def test_options_are_written_as_the_command_line_has_them() -> None:
    options: Mapping[str, Any] = {
        "max_num_seqs": 64,
        "enforce_eager": True,
        "enable_chunked_prefill": False,
        "speculative_config": {"method": "ngram"},
        "cudagraph_capture_sizes": [1, 8],
    }
    assert arguments(options) == [
        "--max-num-seqs=64",
        "--enforce-eager",
        "--no-enable-chunked-prefill",
        '--speculative-config={"method": "ngram"}',
        *("--cudagraph-capture-sizes", "1", "8"),
    ]


@pytest.fixture
def environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_torch_thread: None
) -> Mapping[str, str]:
    for name, code in {"fine": SERVER, "broken": BROKEN, "slow": SLOW}.items():
        (tmp_path / f"{name}_server.py").write_text(code)
    # What nobody listens at: a server on this machine is asked directly.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return {"PYTHONPATH": str(tmp_path)}


def logs(folder: Path) -> list[Path]:
    return list(folder.glob("forkjoin-server-*"))


def seconds_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_server_lives_as_long_as_its_block(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    async def main() -> str:
        async with served(
            "/models/some", {"max_num_seqs": 8}, environment=environment, module="fine_server"
        ) as server:
            # Its own, and those of what it started, but for the engine's core.
            assert 0.4 <= server.cpu_seconds() - seconds_of(server.pid) < 0.9
            assert len(logs(tmp_path)) == 1
            async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
                told = (await client.get(server.url)).text
            assert is_alive(int(told.partition(" ")[0]))
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(server.url)
        return told

    child, _, told = anyio.run(main).partition(" ")
    # It was killed, which takes a moment.
    while is_alive(int(child)):
        time.sleep(0.01)
    assert "--model=/models/some --served-model-name=some --host=127.0.0.1" in told
    assert told.endswith("--max-num-seqs=8")
    assert not logs(tmp_path)


@pytest.mark.parametrize(
    ("module", "seconds", "said"),
    [("broken_server", 300, "ValueError: no such option"), ("slow_server", 0.5, "its log")],
)
def test_a_server_that_does_not_come_up_says_why(
    module: str, seconds: float, said: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    async def main() -> None:
        async with served("some", {}, environment=environment, module=module, seconds=seconds):
            raise AssertionError("it does not answer")

    with pytest.raises(EngineError, match=f"(?s){module} does not serve some: .*{said}"):
        anyio.run(main)
    # To be looked at.
    assert len(logs(tmp_path)) == 1
