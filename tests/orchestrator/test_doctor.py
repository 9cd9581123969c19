from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from engines.embedded_model import default_name
from engines.kept_folder import record
from orchestrator.commands import doctor
from tests.orchestrator import here
from tests.orchestrator.here import Here
from tests.orchestrator.processes import forkjoin, without_vllm

INSTALL = [
    "    make install                      # in a clone, for a CPU: vLLM and the embedded model",
    "    uv pip install 'forkjoin[gpu]'    # on a machine with a GPU; choose a model with --model",
]


run_here = here.run_here


def states(output: str) -> dict[tuple[str, str], str]:
    """What is said of each package, by its mark and name."""
    lines = (re.fullmatch(r"(\S) (\S+) +(.*)", line) for line in output.splitlines())
    return {(line[1], line[2]): line[3] for line in lines if line}


@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed")
def test_everything_there_is_listed_with_its_version(tmp_path: Path) -> None:
    done = forkjoin("doctor", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = states(done.stdout)
    for name in ("forkjoin", "anyio", "httpx", "pydantic", "networkx", "math-verify", "scipy"):
        assert told["✓", name] == version(name)
    assert "✓ vllm" in done.stdout
    assert "✓ embedded model" in done.stdout
    assert "✗" not in done.stdout
    assert f"The local engine would run {default_name()} on vLLM" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_comes_with_the_line_that_installs_it(tmp_path: Path) -> None:
    done = without_vllm("doctor", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"^✗ vllm +not installed$", done.stdout, re.MULTILINE)
    assert re.search(r"^✗ embedded model +not installed$", done.stdout, re.MULTILINE)
    assert "✓ httpx" in done.stdout
    told = done.stdout.partition("a server can be used with --engine URL. To install it:\n")[2]
    assert told.splitlines() == INSTALL


def test_an_extra_that_is_missing_is_told_and_is_no_failure(
    run_here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_extras(name: str) -> str:
        if name in ("sentence-transformers", "peft"):
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    before = run_here("doctor").returncode
    monkeypatch.setattr(doctor, "version", without_extras)
    done = run_here("doctor")
    assert states(done.stdout)["·", "embeddings"] == (
        "sentence-transformers is not installed (all-MiniLM-L6-v2, for ets): "
        "uv pip install 'forkjoin[embeddings]'"
    )
    assert states(done.stdout)["·", "train"] == (
        "peft is not installed (adapters of your own, with python -m training): "
        "uv pip install 'forkjoin[train]'"
    )
    assert states(done.stdout)["✓", "mcp"] == "mcp 1.0"
    assert done.returncode == before


def test_every_extra_is_looked_for_by_the_packages_that_it_installs() -> None:
    metadata = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(metadata.read_text())["project"]["optional-dependencies"]
    # Of these two the lines of vLLM and of the embedded model tell.
    wanted = {name: extra for name, extra in extras.items() if name not in ("cpu", "gpu")}
    told = {name: packages for name, _, packages, _ in doctor._EXTRAS}
    assert {
        name: {re.split("[=<>]", one)[0] for one in extra} for name, extra in wanted.items()
    } == {name: set(packages) for name, packages in told.items()}


def test_names_of_any_length_stand_in_one_column(run_here: Here) -> None:
    lines = run_here("doctor").stdout.partition("\n\n")[0].splitlines()
    extras = [name for name, *_ in doctor._EXTRAS]
    names = ("python", *doctor._PACKAGES, "vllm", "embedded model", *extras)
    assert len(lines) == len(names)
    starts = {
        len(line[2:]) - len(line[2:].removeprefix(name).lstrip())
        for line, name in zip(lines, names, strict=True)
    }
    assert len(starts) == 1


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the embedded model would be kept; it is not there yet."""
    folder = tmp_path / "cache" / "model-1"
    monkeypatch.setenv("FORKJOIN_CACHE", str(folder.parent))
    monkeypatch.setattr(doctor, "model_folder", lambda adapter: folder)
    return folder


def embedded(here: Here) -> str:
    (line,) = (line for line in here("doctor").stdout.splitlines() if "embedded model  " in line)
    return " ".join(line.split())


def test_the_embedded_model_is_told_as_it_is_in_the_cache(run_here: Here, kept: Path) -> None:
    name = default_name()
    assert embedded(run_here) == f"✓ embedded model {name}, written to {kept.parent} on first use"
    assert not kept.parent.exists()
    kept.mkdir(parents=True)
    (kept / "config.json").write_text("{}")
    record(kept)
    assert embedded(run_here) == f"✓ embedded model {name} in {kept}"
    (kept / "config.json").write_text("{")
    assert embedded(run_here) == (
        f"· embedded model {name} in {kept} is damaged, and written again on next use: "
        "config.json is not as it was written"
    )


def test_a_cache_that_cannot_be_written_is_told_with_what_to_do(run_here: Here, kept: Path) -> None:
    kept.parent.write_text("a file")
    done = run_here("doctor")
    assert done.returncode == 1
    assert f"cannot be written to {kept.parent}: cache is a file" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("    export FORKJOIN_CACHE=FOLDER  ")


def test_a_model_that_cannot_be_read_is_told_with_what_to_do(run_here: Here, kept: Path) -> None:
    (kept / "forkjoin.json").mkdir(parents=True)
    done = run_here("doctor")
    assert done.returncode == 1
    assert f"✗ embedded model    the embedded model cannot be kept in {kept}: " in done.stdout
