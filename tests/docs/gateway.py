"""A gateway over a stand-in engine, for the programs in documents that are clients of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import anyio
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal

from engines import FakeEngine
from orchestrator.gateway.answering.answering import Answering
from orchestrator.gateway.serving.server import serve
from orchestrator.gateway.serving.server_settings import ServerSettings
from tests.docs.stand_ins import reply


@contextmanager
def running_gateway() -> Iterator[str]:
    """Serves on this machine until the block ends; gives the address."""
    with start_blocking_portal() as portal, ExitStack() as exits:
        future, (address, stop) = portal.start_task(_serve)
        exits.callback(future.result)
        exits.callback(portal.call, stop.set)
        yield address


async def _serve(*, task_status: TaskStatus[tuple[str, anyio.Event]]) -> None:
    engine, stop = FakeEngine(reply), anyio.Event()
    with Answering(engine) as answering:
        await serve(
            answering,
            ServerSettings(port=0, drain=0),
            engine=engine,
            stop=stop,
            log=lambda line: None,
            ready=lambda address: task_status.started((address, stop)),
        )
