"""What the engines in this process have in common: how they are opened, and which models there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType

from . import embedded_model
from .engine import Engine
from .errors import UsageError
from .portal import OpensOnPortal


class LocalEngine(OpensOnPortal[Engine]):
    """Opens and closes an engine in this process, by `async with` or `with`; see `local_engine`, `hogwild_engine`."""

    def __init__(self, start: Callable[[], Awaitable[Engine]]) -> None:
        self._start = start
        self._engine: Engine | None = None

    async def __aenter__(self) -> Engine:
        self._engine = await self._start()
        return self._engine

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._engine is not None:
            await self._engine.aclose()


def check_model(model: str) -> None:
    """A model is a folder, or what may be a name on the hub (`owner/name`).

    Raises:
        UsageError: It is neither.
    """
    folder = Path(model)
    if folder.is_dir():
        if not any((folder / name).exists() for name in ("config.json", "params.json")):
            raise UsageError(
                f"the folder {model} holds no Hugging Face model: it has no config.json"
            )
        return
    parts = model.split("/")
    if len(parts) != 2 or not all(parts) or model.startswith("."):
        raise UsageError(
            f"there is no model {model!r}: give a folder with a Hugging Face model or a hub name such as "
            f"Qwen/Qwen3-8B, or leave it out for the embedded {embedded_model.NAME}"
        )


async def folder_and_name(model: str | None) -> tuple[str, str]:
    """Where a model lies, or its name on the hub, and what it is called; None is the embedded one, written if need be.

    Raises:
        MissingExtra: The package with the embedded model is not installed.
        ModelPreparationFailed: The embedded model cannot be written to the cache.
    """
    if model is None:
        return str(await embedded_model.prepare()), embedded_model.NAME
    return model, model
