"""Which model somebody asks for by a name, a folder or an adapter, and whether the parts fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from . import embedded_model
from .adapters.adapter import CONFIG, LoraAdapter
from .adapters.checksums import read_checked
from .adapters.shipped import shipped_adapter
from .adapters.tensor_file import read_tensors
from .errors import ModelPreparationFailed, UsageError

_ON_THE_HUB = r"(?a:\w[\w.-]*/\w[\w.-]*)"


@dataclass(frozen=True)
class FoundModel:
    """A model that can be opened.

    Attributes:
        path: Its folder, or its name on the hub.
        name: What it is called.
        adapter: What an engine has to add to its weights, if anything.
        digest: What tells its weights from others of the same name; empty where nothing is known of them.
    """

    path: str
    name: str
    adapter: LoraAdapter | None = None
    digest: str = ""


@dataclass(frozen=True)
class ModelChoice:
    """What somebody asked for, and that it may exist. Made by `choose_model`.

    Attributes:
        model: A folder or a name on the hub; None is the embedded model, and `PLAIN` the embedded model as it was
            before forkjoin's own adapter.
        adapter: Somebody's own, for an engine that adds it to that model.
    """

    model: str | None
    adapter: LoraAdapter | None = None

    async def find(self) -> FoundModel:
        """Where the model lies, written first if it is the embedded one.

        Raises:
            MissingExtra: The package with the embedded model is not installed.
            ModelPreparationFailed: The embedded model cannot be written to the cache.
            UsageError: The adapter is damaged, or of another model.
        """
        if self.adapter is not None:
            return await self._with_adapter(self.adapter)
        if self.model is None:
            return await _default()
        return await self._base()

    async def _base(self) -> FoundModel:
        if self.model == embedded_model.PLAIN:
            return FoundModel(str(await embedded_model.prepare()), embedded_model.NAME)
        assert self.model is not None
        return FoundModel(self.model, self.model)

    async def _with_adapter(self, adapter: LoraAdapter) -> FoundModel:
        await anyio.to_thread.run_sync(adapter.check_numbers)
        base = await self._base()
        if Path(base.path).is_dir():
            strictly = self.model == embedded_model.PLAIN
            await anyio.to_thread.run_sync(_check_fits, adapter, base, strictly)
        name = f"{base.name}+{adapter.folder.name}"
        return FoundModel(base.path, name, adapter, adapter.digest)


def choose_model(model: str | None, adapter: str | Path | None = None) -> ModelChoice:
    """Looks at what somebody asked for, without loading anything.

    Args:
        model: A folder with a model or with a LoRA adapter, a name on the hub, `smollm2`, or None.
        adapter: A folder with a LoRA adapter for that model; without a model, for the one that it was trained on.

    Raises:
        UsageError: There is no such model or adapter, one may not look at it, or the adapter is of another model than
            the embedded one, or damaged.
    """
    if adapter is None and model is not None:
        with _looking_at(model):
            if _holds_an_adapter(Path(model)):
                model, adapter = None, model
    if adapter is None:
        if model is not None:
            _check_model(model)
        return ModelChoice(model)
    own = read_checked(Path(adapter).absolute())
    if model is None:
        model = _base_of(own)
    elif model != embedded_model.PLAIN:
        _check_model(model)
        _check_is_plain(model, own)
    elif not _is_embedded(own.base):
        raise UsageError(
            f"the adapter {own.folder} was trained on {own.base}, not on the embedded {embedded_model.NAME}: "
            f"give its model"
        )
    return ModelChoice(model, own)


async def _default() -> FoundModel:
    adapter = await anyio.to_thread.run_sync(shipped_adapter)
    if adapter is None:
        return FoundModel(str(await embedded_model.prepare()), embedded_model.NAME)
    if not _is_embedded(adapter.base):
        raise ModelPreparationFailed(
            f"the adapter that comes with forkjoin was trained on {adapter.base}, not on {embedded_model.NAME}: "
            f"install forkjoin again, or use the plain model: {embedded_model.PLAIN}"
        )
    folder = await embedded_model.prepare(adapter)
    return FoundModel(str(folder), embedded_model.TRAINED_NAME, digest=adapter.digest)


def _check_model(model: str) -> None:
    if model == embedded_model.PLAIN:
        return
    with _looking_at(model):
        if _is_there(model):
            return
    if re.fullmatch(_ON_THE_HUB, model):
        return
    if "/" in model or model.startswith((".", "~")):
        raise UsageError(
            f"there is no folder {model}: check its name; a name on the hub is ORG/NAME, such as Qwen/Qwen3-8B"
        )
    raise UsageError(
        f"there is no model {model!r}: give a folder with a Hugging Face model or a hub name such as "
        f"Qwen/Qwen3-8B, write {embedded_model.PLAIN} for the plain {embedded_model.NAME}, or leave it out for "
        f"the embedded {embedded_model.default_name()}"
    )


def _is_there(model: str) -> bool:
    """Whether it is the folder of a model, and not a name of the hub."""
    folder = Path(model)
    if folder.is_dir():
        if not any((folder / name).exists() for name in ("config.json", "params.json")):
            raise UsageError(
                f"the folder {model} holds no Hugging Face model: it has no config.json"
            )
        return True
    if folder.exists():
        raise UsageError(f"{model} is a file: give the folder of a Hugging Face model")
    return False


@contextmanager
def _looking_at(model: str) -> Iterator[None]:
    """Says what the system says, as of a folder that one may not enter or a name that is too long for one."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"the model {model} cannot be read: {error.strerror}") from error


def _holds_an_adapter(folder: Path) -> bool:
    return (folder / CONFIG).exists() and not (folder / "config.json").exists()


def is_merged(model: str) -> bool:
    """Whether it is a folder of the embedded model with an adapter in it, as the cache has it."""
    return Path(model).resolve().name.startswith(embedded_model.TRAINED_NAME)


def _check_is_plain(model: str, adapter: LoraAdapter) -> None:
    """Refuses to add what was trained on the plain model to that model with an adapter in it, as the cache has it."""
    if is_merged(model) and _is_embedded(adapter.base):
        raise UsageError(
            f"{model} is the embedded model with an adapter in it already, and {adapter.folder} was trained on the "
            f"plain one: give {embedded_model.PLAIN} as its model"
        )


def _base_of(adapter: LoraAdapter) -> str:
    if not adapter.base:
        raise UsageError(
            f"the adapter {adapter.folder} does not name the model that it was trained on: give its model too, as "
            f"local_engine(MODEL, adapter=FOLDER), or name it in {CONFIG} as base_model_name_or_path"
        )
    if _is_embedded(adapter.base):
        return embedded_model.PLAIN
    try:
        _check_model(adapter.base)
    except UsageError as error:
        raise UsageError(
            f"the adapter {adapter.folder} was trained on {adapter.base!r}, which is not here: give its model too, as "
            f"local_engine(MODEL, adapter=FOLDER), or name it in {CONFIG}"
        ) from error
    return adapter.base


def _is_embedded(base: str) -> bool:
    """Whether a name, a hub's or that of a folder in the cache, may mean the embedded model; none may, too.

    Not that of a model that was made of it, which has the same shapes.
    """
    last = base.rstrip("/").rpartition("/")[2]
    return re.fullmatch(rf"({embedded_model.NAME}(-[0-9.]+)?)?", last, re.IGNORECASE) is not None


def _check_fits(adapter: LoraAdapter, base: FoundModel, strictly: bool) -> None:
    """Compares an adapter with a model in a folder, as far as the two call the modules by the same names.

    Raises:
        UsageError: It is of another model.
    """
    tensors = {}
    for path in sorted(Path(base.path).glob("*.safetensors")):
        tensors.update(read_tensors(path))
    # Where weights are quantised, their shapes are those of what they are packed into, and say nothing.
    packed = {name.rpartition(".")[0] for name, tensor in tensors.items() if "F" not in tensor.kind}
    known = {
        name: tensor.shape
        for name, tensor in tensors.items()
        if name.rpartition(".")[0] not in packed
    }
    known |= {f"{module}.weight": adapter.shapes[module] for module in packed & set(adapter.shapes)}
    # Some models are saved under other names than they have in PEFT: then it is vLLM that compares.
    if strictly or any(f"{module}.weight" in known for module in adapter.shapes):
        adapter.check_fits(base.name, known)
