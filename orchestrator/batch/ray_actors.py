"""Both ends of the wire to a Ray actor: the worker in its process, and what a driver holds of it.

    driver: RayActor            actor: RayWorker
      begun ─────── work() ───> opens the engine ... holds it ... closes it
      place <────── place()     where that is
      opened <───── opened()    how many rows keep the engine busy
      exchange ──── rows ─────> answers them, all at the same time
               <─── finished    all that ended since the last exchange, as soon as there is something
      close ─────── close() ──> work() ends

One exchange goes on at a time, with as many rows as ended meanwhile: short rows travel in large chunks, and long ones
do not wait for each other. Ray's own calls block, so that each is made in a thread. What an engine raises may not be
known in another process, so that a reason a person can act on travels as data.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeVar

import anyio
from anyio import from_thread, to_thread
from anyio.abc import TaskGroup

from engines import EngineDead, ForkjoinError, MissingExtra, UsageError, single_error

from .batch_settings import BatchSettings
from .row import Finished, Row
from .worker import Worker, opened_worker

T = TypeVar("T")
Needs = Literal["CPU", "GPU"]
"""What an actor takes one of."""

_ADVICE = "start one with `ray start --head`, or set RAY_ADDRESS to the HOST:PORT of one that runs"
_ANSWERING_SECONDS = 5.0
_GATHERING_SECONDS = 0.01
"""How long an exchange waits for more when something is finished: a round trip takes about as long."""
_REASON_LENGTH = 300
_LOOKING_SECONDS = 0.1
"""How often a thread that waits for Ray looks whether anybody still waits for it."""
_CLOSING_SECONDS = 30.0
"""How long an engine may take to close before its process is killed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Why an actor answers no more rows.

    Attributes:
        reason: In a line.
        exit_code: Of the command line.
        replaceable: Whether another actor may do better, as after the death of an engine that had worked.
    """

    reason: str
    exit_code: int = 1
    replaceable: bool = True


@dataclass(frozen=True, slots=True)
class Supply:
    """What a cluster has.

    Attributes:
        machines: Its nodes that are alive.
        total: Its processors and GPUs.
        free: Of these, the ones that nobody has taken.
    """

    machines: int
    total: Mapping[Needs, int]
    free: Mapping[Needs, int]


class RayWorker:
    """A worker in a process of its own, whose driver has a `RayActor`.

    Args:
        settings: How rows are answered.
        folder: Where the driver runs; relative paths mean the same here, if this machine has it.
    """

    def __init__(self, settings: BatchSettings, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)
        self._settings = settings
        self._answering: tuple[Worker, TaskGroup] | None = None
        self._finished: list[Finished] = []
        self._in_flight = 0
        self._over = False
        self._known = anyio.Event()
        self._closing = anyio.Event()
        self._news = anyio.Event()

    async def place(self) -> str:
        """The machine that it runs on."""
        return socket.gethostname()

    async def work(self) -> Ended | None:
        """Opens the engine and holds it until `close`; says why if it ends otherwise."""
        try:
            with single_error():
                async with opened_worker(self._settings) as worker:
                    await self._answer_until_closed(worker)
        except ForkjoinError as error:
            reason = f"on {socket.gethostname()}: {' '.join(str(error).split())}"
            replaceable = self._answering is not None and isinstance(error, EngineDead)
            return Ended(reason, error.exit_code, replaceable)
        finally:
            self._over = True
            self._known.set()
            self._news.set()
        return None

    async def _answer_until_closed(self, worker: Worker) -> None:
        try:
            async with anyio.create_task_group() as group:
                self._answering = worker, group
                self._known.set()
                await self._closing.wait()
                group.cancel_scope.cancel()
        finally:
            self._over = True

    async def opened(self) -> int | None:
        """How many rows keep the engine busy, once it is open; None where `work` has ended."""
        await self._known.wait()
        return None if self._over or self._answering is None else self._answering[0].rows_at_once

    async def exchange(self, rows: Sequence[Row]) -> list[Finished] | None:
        """Takes rows, and returns what is finished as soon as anything is; None where `work` has ended."""
        if self._answering is None or (self._over and not self._finished):
            return None
        if not self._over:
            for row in rows:
                self._in_flight += 1
                self._answering[1].start_soon(self._answer, row)
        if not self._finished:
            self._news = anyio.Event()
            await self._news.wait()
            if self._in_flight and not self._over:
                await anyio.sleep(_GATHERING_SECONDS)
        finished, self._finished = self._finished, []
        return finished or None

    async def close(self) -> None:
        """Lets `work` end; rows that are not finished are broken off."""
        self._closing.set()

    async def _answer(self, row: Row) -> None:
        assert self._answering is not None
        finished = await self._answering[0].answer(row)
        self._finished.append(finished)
        self._in_flight -= 1
        self._news.set()


class RayActor:
    """What a driver holds of an actor. Made by `RayCluster.actor`.

    Args:
        handle: Ray's.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._work: Any = None

    async def begin(self) -> Ended | None:
        """Waits until Ray has found a place for it, and lets it open its engine."""
        placed = await self._call("place")
        if isinstance(placed, Ended):
            return placed
        self._work = await in_thread(self._handle.work.remote)
        return None

    async def opened(self) -> int | Ended:
        """How many rows keep it busy, once its engine is open; or why it is not."""
        rows: int | Ended | None = await self._call("opened")
        return await self._end() if rows is None else rows

    async def exchange(self, rows: Sequence[Row]) -> list[Finished] | Ended:
        """Gives it rows, and waits for one that is finished; or says why none will be."""
        finished: list[Finished] | Ended | None = await self._call("exchange", rows)
        return await self._end() if finished is None else finished

    async def close(self) -> None:
        """Closes the engine and ends the process."""
        ray = _ray()
        with anyio.CancelScope(shield=True):
            if self._work is not None:
                # What went wrong in it has been told.
                told = suppress(ray.exceptions.RayTaskError)
                with anyio.move_on_after(_CLOSING_SECONDS), told:
                    await self._call("close")
                    await self._end()
            await in_thread(ray.kill, self._handle)

    async def _end(self) -> Ended:
        ended: Ended | None = await in_thread(_outcome, lambda: self._work)
        return ended or Ended("it was closed")

    async def _call(self, method: str, *arguments: Any) -> Any:
        # Sending is blocking too, where the arguments are large.
        return await in_thread(_outcome, lambda: getattr(self._handle, method).remote(*arguments))


class RayCluster:
    """A cluster that this process is connected to. Made by `connected`."""

    async def supply(self) -> Supply:
        """What the cluster has."""
        return await in_thread(_supply)

    @asynccontextmanager
    async def actor(self, settings: BatchSettings, needs: Needs) -> AsyncIterator[RayActor]:
        """An actor, which is closed with its engine when the block ends, and killed if it does not close."""
        actor = RayActor(await in_thread(_made, settings, needs))
        try:
            yield actor
        finally:
            await actor.close()


@asynccontextmanager
async def connected() -> AsyncIterator[RayCluster]:
    """A connection to the cluster that RAY_ADDRESS names, or that runs on this machine. None is started.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: There is no cluster, or it is none for this installation.
    """
    _check_installed()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    await _answers()
    ray = _ray()
    own = not ray.is_initialized()
    if own:
        await in_thread(_connect)
        _take_back_sigterm()
    try:
        yield RayCluster()
    finally:
        if own:
            with anyio.CancelScope(shield=True):
                await in_thread(ray.shutdown)


async def check_cluster() -> None:
    """Refuses what `connected` would refuse, sooner.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: There is no cluster.
    """
    _check_installed()
    if not await _answers():
        # It may run where only Ray finds it.
        async with connected():
            pass


def _check_installed() -> None:
    if find_spec("ray") is None:
        raise MissingExtra("Ray, which spreads a batch over a cluster,", "ray")


async def _answers() -> bool:
    """Whether the cluster's address is known, and answers: Ray waits for minutes for one that is gone.

    Raises:
        UsageError: It is known, and does not answer.
    """
    found, told = os.environ.get("RAY_ADDRESS", ""), "RAY_ADDRESS"
    if found in ("", "auto"):
        left = Path(os.environ.get("RAY_TMPDIR") or "/tmp") / "ray" / "ray_current_cluster"
        found, told = left.read_text().strip() if left.exists() else "", str(left)
    host, _, port = found.rpartition(":")
    if not found or "://" in found or not port.isdigit():
        return False
    try:
        with anyio.fail_after(_ANSWERING_SECONDS):
            await (await anyio.connect_tcp(host.strip("[]"), int(port))).aclose()
    except (OSError, TimeoutError) as error:
        raise UsageError(
            f"no Ray cluster answers at {found}, as {told} has it: {_ADVICE}"
        ) from error
    return True


def _connect() -> None:
    ray = _ray()
    address = os.environ.get("RAY_ADDRESS") or "auto"
    # It tells that it cannot take the signals, which belong to the command, and what Ray will do in later versions.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ray.init(address=address, log_to_driver=False, logging_level="CRITICAL")
        except (ConnectionError, RuntimeError, ValueError) as error:
            if address == "auto" and isinstance(error, ConnectionError):
                raise UsageError(f"no Ray cluster runs on this machine: {_ADVICE}") from error
            reason = " ".join(str(error).split())
            raise UsageError(f"the Ray cluster at {address} cannot be used: {reason}") from error


def _take_back_sigterm() -> None:
    """Ray's core handles it too, by a stack on stderr before whoever handled it is called."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _supply() -> Supply:
    ray = _ray()
    total, free = ray.cluster_resources(), ray.available_resources()
    return Supply(
        machines=sum(node["Alive"] for node in ray.nodes()),
        total={name: int(total.get(name, 0)) for name in ("CPU", "GPU")},
        free={name: int(free.get(name, 0)) for name in ("CPU", "GPU")},
    )


def _made(settings: BatchSettings, needs: Needs) -> Any:
    ray = _ray()
    variables = {"PYTHONPATH": _python_path(), "RAY_USAGE_STATS_ENABLED": "0"}
    remote = ray.remote(RayWorker).options(
        num_cpus=int(needs == "CPU"),
        num_gpus=int(needs == "GPU"),
        scheduling_strategy="SPREAD",
        runtime_env={"env_vars": variables},
    )
    return remote.remote(settings, os.getcwd())


def _ray() -> Any:
    """Ray, which takes a second to import."""
    import ray

    return ray


async def in_thread(call: Callable[..., T], *arguments: Any) -> T:
    """Makes a call of Ray's in a thread of its own."""
    return await to_thread.run_sync(call, *arguments, limiter=anyio.CapacityLimiter(math.inf))


def _outcome(call: Callable[[], Any]) -> Any:
    """What a call to an actor came to, in a thread that ends with the task that waits for it.

    Whatever became of the actor's process is its end; what its code raises is raised.
    """
    ray = _ray()
    try:
        reference = call()
        while not ray.wait([reference], timeout=_LOOKING_SECONDS)[0]:
            from_thread.check_cancelled()
        return ray.get(reference)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        return Ended(f"{type(error).__name__}: {' '.join(str(error).split())}"[:_REASON_LENGTH])


def _python_path() -> str:
    """What is imported here is found there too, on machines that have the same folders."""
    installed = (sys.prefix, sys.base_prefix)
    folders = [os.path.abspath(path) for path in sys.path if not path.endswith(".zip")]
    return os.pathsep.join(
        path for path in dict.fromkeys(folders) if not path.startswith(installed)
    )
