"""Real engines for all tests: started on first use, at most once each, stopped when the session ends."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from pathlib import Path

import anyio
import httpx
import hypothesis
import pytest

from engines import (
    Completion,
    Engine,
    Outcome,
    Sampling,
    converse,
    embedded_model,
    join,
    local_engine,
    run_in_portal,
)
from tests.ports import held_port

# How long an example takes, or its making, says nothing on a machine that does other things too. Half of the usual
# number find what is wrong nearly as often, and every run tries others, but for CI's.
hypothesis.settings.register_profile(
    "forkjoin",
    deadline=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("forkjoin")

# Who starts the tests in the background of a script leaves it ignored, and so would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_REAL_ENGINES = {"vllm_engine", "vllm_server"}
# Ends the whole session when its input closes, which it does however the tests end, or when the server ends.
_KEEPER = '{ "$@"; kill -9 0; } & read _; kill -9 0'
_SECONDS_TO_START = 300
# After that a test hangs, the start of an engine included, and the others should still have their turn.
_SECONDS_FOR_A_TEST = 420
# With the model in the core's own process, as `local_engine` has it.
_SERVER_OPTIONS = (
    "--enable-prompt-tokens-details --block-size 32 --dtype float32 --enforce-eager "
    "--max-model-len 2048 --host 127.0.0.1 "
    "--distributed-executor-backend vllm.v1.executor.uniproc_executor.UniProcExecutor"
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects without the garbage collector, which looked at the same million objects again and again.

    All that is there then is there to stay, so that it is left alone until the session ends.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_sessionfinish() -> None:
    """Lets the interpreter free everything at its end, which libraries in C++ complain of otherwise."""
    gc.unfreeze()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Spares the tests of real engines the import of all others."""
    is_other = collection_path.suffix == ".py" and not _names_a_real_engine(collection_path)
    return True if is_other and config.option.markexpr == "real_vllm" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses a real engine; the imports of vLLM and torch warn of their own affairs."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & _REAL_ENGINES:
            item.add_marker(pytest.mark.real_vllm)
        if item.get_closest_marker("real_vllm") and not _names_a_real_engine(item.path):
            raise pytest.UsageError(f"{item.path} uses a real engine: mark it real_vllm there")
        if "vllm_engine" in fixtures:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Fails a test that hangs; most wait for processes and servers without a limit of their own."""

    def give_up(number: int, frame: object) -> None:
        pytest.fail(f"hangs: not ended after {_SECONDS_FOR_A_TEST} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_SECONDS_FOR_A_TEST)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def vllm_engine() -> Iterator[Engine]:
    """vLLM in this process with the plain model, on the portal's loop: use it through `run_in_portal`."""
    _skip_without_vllm()
    with local_engine(embedded_model.PLAIN, max_model_len=2048) as engine:
        yield engine
        run_in_portal(lambda: _close_while_it_works(engine))


async def _close_while_it_works(engine: Engine) -> None:
    """The last thing that happens to an engine, so that it is here: calls that run fail, and none hangs."""
    prompt = await converse(engine, [("user", "Count."), ("assistant", "")])
    outcomes: list[Outcome[Completion]] = []

    async def generate() -> None:
        sampling = Sampling(max_tokens=1000, ignore_eos=True)
        outcomes.extend(await join([partial(engine.generate, prompt, sampling)]))

    with anyio.fail_after(300):
        async with anyio.create_task_group() as group:
            group.start_soon(generate)
            while not (await engine.statistics()).running:  # noqa: ASYNC110  # another process sets it
                await anyio.sleep(0.1)
            await engine.aclose()
    assert "closed while it worked" in outcomes[0].reason


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of vLLM's own server, with the plain model."""
    _skip_without_vllm()
    folder = anyio.run(embedded_model.prepare)
    with held_port() as port:
        yield from _served(folder, port, tmp_path_factory.mktemp("vllm") / "server.log")


def _served(folder: Path, port: int, log: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--port", str(port)]
    command += ["--model", str(folder), "--served-model-name", embedded_model.NAME]
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", *command, *_SERVER_OPTIONS.split()],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={
                **os.environ,
                "HF_HUB_OFFLINE": "1",
                # vLLM leaves it to its environment there; the other processor has other tests to run.
                "OMP_NUM_THREADS": "1",
                "VLLM_CPU_KVCACHE_SPACE": "2",
                "VLLM_LOGGING_LEVEL": "WARNING",
                "VLLM_NO_USAGE_STATS": "1",
            },
            start_new_session=True,
        )
    with keeper:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url, keeper, log)
            yield url
        finally:
            if keeper.poll() is None:
                os.killpg(keeper.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def one_torch_thread() -> None:
    """Several that wait for each other are a hundred times slower where others want the processors too."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def new_hogwild_engine(one_torch_thread: None) -> Callable[[], Engine]:
    """Makes engines of our own attention, all over the beginning of the embedded model.

    Two of its layers write nonsense ten times as fast, by the same code. What the whole model writes is compared with
    transformers in the tests of the decoder, without an engine. The window is the one that vLLM has here.
    """
    from transformers import AutoModelForCausalLM

    from engines import HogwildEngine
    from engines.hogwild.model.tokenizing import ModelTokenizer
    from engines.hogwild.model.torch_model import TorchModel

    folder = str(anyio.run(embedded_model.prepare))
    changes = {"num_hidden_layers": 2, "max_position_embeddings": 2048}
    model = TorchModel(AutoModelForCausalLM.from_pretrained(folder, **changes).eval())
    tokenizer = ModelTokenizer.load(folder)
    return lambda: HogwildEngine(model, tokenizer, embedded_model.NAME)


@cache
def _names_a_real_engine(path: Path) -> bool:
    """Whether its text says so, which the tests in it may do by a mark or by a fixture."""
    text = path.read_text(encoding="utf-8")
    return any(name in text for name in {"real_vllm", *_REAL_ENGINES})


def _skip_without_vllm() -> None:
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vLLM is not installed")


def _wait_until_healthy(url: str, keeper: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < end and keeper.poll() is None:
            try:
                if client.get(f"{url}/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.5)
    lines = log.read_text(errors="replace").splitlines()
    raise RuntimeError("vLLM's server did not start:\n" + "\n".join(lines[-30:]))
