"""`--engine`: what a command runs on, checked before anything starts, and opened."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path

from engines import Engine, ForkjoinError, Notify, UsageError, hogwild_engine, local_engine

from ..imported import imported, is_place

SHARES_CACHE = "hogwild"
"""The engine whose workers share an attention cache."""

_IN_PROCESS = ("local", SHARES_CACHE)
_REPLAY = "replay:"


def check_engine(engine: str) -> None:
    """Refuses what names no engine.

    Raises:
        UsageError: With what can be written.
    """
    if engine.startswith(_REPLAY):
        if not Path(engine.removeprefix(_REPLAY)).exists():
            raise UsageError(f"--engine {engine}: there is no such file or folder")
        return
    if is_place(engine):
        return
    for url in _urls(engine):
        if url in _IN_PROCESS:
            raise UsageError(
                f"--engine {engine}: {url} is one engine by itself; only URLs are a list"
            )
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                f"there is no engine {url!r}: write local, hogwild, replay:FILE, MODULE:NAME, or a URL such as "
                f"http://127.0.0.1:8000/v1"
            )


def open_engine(
    arguments: argparse.Namespace, notify: Notify
) -> AbstractAsyncContextManager[Engine]:
    """The engine, to be opened; `notify` hears of calls that move to another server."""
    name: str = arguments.engine
    if name == "local":
        return local_engine(arguments.model)
    if name == SHARES_CACHE:
        return hogwild_engine(arguments.model)
    if name.startswith(_REPLAY):
        from engines import ReplayEngine

        return ReplayEngine(name.removeprefix(_REPLAY))
    if is_place(name):
        return _made_by(name)
    from engines import HttpEngine, ReplicaPool

    servers = [HttpEngine(url, model=arguments.model) for url in _urls(name)]
    return servers[0] if len(servers) == 1 else ReplicaPool(servers, notify=notify)


def _made_by(place: str) -> AbstractAsyncContextManager[Engine]:
    """What a function of somebody's makes: an engine, or what `async with` makes one of."""
    make = imported(place, "--engine")
    with _naming(place):
        made = make() if callable(make) else None
    if not isinstance(made, AbstractAsyncContextManager):
        raise UsageError(
            f"--engine {place}: it has to be a function without arguments that returns an engine"
        )
    return _opened(place, made)


@asynccontextmanager
async def _opened(place: str, made: AbstractAsyncContextManager[Engine]) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as exits:
        with _naming(place):
            engine = await exits.enter_async_context(made)
        yield engine


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Whatever somebody's function raises is told in a line, with the place of the function."""
    try:
        yield
    except ForkjoinError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())
        raise UsageError(f"--engine {place}: {type(error).__name__}: {said}") from error


def _urls(engine: str) -> list[str]:
    return [] if engine in _IN_PROCESS else [url.strip() for url in engine.split(",")]
