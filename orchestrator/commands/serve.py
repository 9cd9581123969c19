"""`forkjoin serve`: methods and plans behind OpenAI's API."""

from __future__ import annotations

import argparse
import gc
import ipaddress
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, redirect_stdout
from importlib.util import find_spec

import anyio

from engines import MissingExtra, Notice, UsageError, single_error
from planners import PLANNERS

from ..gateway.serving.keys import VARIABLE, keys_of
from ..gateway.serving.server_settings import ServerSettings
from ..imported import is_place
from ..progress import opening
from ..runs.run_folder import check_runs
from ..runs.words import printable
from ..tools.approval import approve_all
from ..tools.definition import tools_by_name
from ..tools.loading import load_tools
from .call_options import add_calls, budget_of, call_policy_of, check_calls, limiter_of
from .engine_option import open_engine
from .output import write
from .thinking_options import check_thinking, sampling_of
from .tool_sources import opened_servers, server_at

_LIBRARIES = ("prometheus_client", "starlette", "uvicorn")
_PLANNER = "llm-compiler"
_MOST_THREADS = 64
_LARGEST_PORT = 65535
_LEAST = {"max_threads": 1, "max_body": 1, "max_requests": 1, "max_waiting": 0, "drain": 0}
# So many new objects before the garbage collector looks at them: a request makes thousands, and nearly all of them
# are gone without it.
_OBJECTS = 10_000


class ServeCommand:
    """Serves until it is stopped."""

    summary = "serve methods and plans as an OpenAI-compatible API"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        usual = ServerSettings()
        add = parser.add_argument
        add("--host", metavar="HOST", default=usual.host,
            help=f"where to listen; keys are needed where others can reach it (default: {usual.host})")  # fmt: skip
        add("--port", metavar="N", type=int, default=usual.port,
            help=f"the same; 0 is any that is free (default: {usual.port})")  # fmt: skip
        add("--api-key-file", metavar="FILE",
            help=f"keys of clients, one a line; {VARIABLE} in the environment is one more")  # fmt: skip
        add("--no-key", action="store_true", help="let everybody in who can reach the server")
        add("--tools", metavar="MODULE:NAME", nargs="+", action="extend", default=[],
            help="tools for plans, or lists of tools; calculate is one that is ready to use")  # fmt: skip
        add("--mcp", metavar="COMMAND|URL", action="append", default=[],
            help="a tool server for plans; repeat it")  # fmt: skip
        add("--approve", metavar="all",
            help="approve all calls of tools that have to be approved; else they are refused")  # fmt: skip
        add("--planner", metavar="NAME", default=_PLANNER,
            help=f"who plans for clients that have tools of their own and name no planner: {', '.join(PLANNERS)} "
            f"(default: {_PLANNER})")  # fmt: skip
        add("--out", metavar="DIR",
            help="keep a run folder of each request with a method or planner, for forkjoin view")  # fmt: skip
        add("--journal-dir", metavar="DIR",
            help="where journals go, if not into the run folders: on a local disk")  # fmt: skip
        add("--max-threads", metavar="N", type=int, default=_MOST_THREADS,
            help=f"the most threads that a request may ask a method for (default: {_MOST_THREADS})")  # fmt: skip
        add("--max-body", metavar="BYTES", type=int, default=usual.max_body,
            help=f"the longest body that is read (default: {usual.max_body})")  # fmt: skip
        add("--max-requests", metavar="N", type=int, default=usual.max_requests,
            help=f"the most requests that are answered at once (default: {usual.max_requests})")  # fmt: skip
        add("--max-waiting", metavar="N", type=int, default=usual.max_waiting,
            help=f"the most that wait for that; more get status 429 (default: {usual.max_waiting})")  # fmt: skip
        add("--drain", metavar="S", type=float, default=usual.drain,
            help=f"seconds that requests may take once the server is stopped (default: {usual.drain:g})")  # fmt: skip
        add("--model", metavar="NAME",
            help="a folder or a name; smollm2 is the embedded model without its training (default: the "
            "embedded model, or the one that the server has)")  # fmt: skip
        add("--max-tokens", metavar="N", type=int, default=512,
            help="for each call of a request that does not say it (default: 512)")  # fmt: skip
        add("--prices", metavar="LIST",
            help="money for a million tokens: prompt=0.1,cached=0.01,generated=0.4")  # fmt: skip
        add_calls(parser, default=True, counted=", for each request")
        parser.set_defaults(seed=None)

    def run(self, arguments: argparse.Namespace) -> int:
        """Serves to the end."""
        settings = _settings_of(arguments)
        if any(find_spec(library) is None for library in _LIBRARIES):
            raise MissingExtra("what serves (Starlette, uvicorn, prometheus-client)", "serve")
        # What tools print must not get between the lines of the command.
        with redirect_stdout(sys.stderr), _private_files():
            anyio.run(_until_stopped, arguments, settings)
        return 0


@contextmanager
def _private_files() -> Iterator[None]:
    """Files that are made in this block are for this user only: run folders hold what clients have asked."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _settings_of(arguments: argparse.Namespace) -> ServerSettings:
    """What the arguments say, checked before anything starts.

    Raises:
        UsageError: With the option and what it takes.
    """
    check_calls(arguments)
    check_thinking(arguments)
    budget_of(arguments)
    limiter_of(arguments)
    for name, least in _LEAST.items():
        value = getattr(arguments, name)
        if not value >= least:
            raise UsageError(f"--{name.replace('_', '-')} {value:g}: give a number from {least} on")
    if not 0 <= arguments.port <= _LARGEST_PORT:
        raise UsageError(f"--port {arguments.port}: give a number from 0 to {_LARGEST_PORT}")
    if arguments.approve not in (None, "all"):
        raise UsageError(
            f"--approve {arguments.approve}: nobody can be asked here: write all, or leave it out"
        )
    if arguments.planner not in PLANNERS:
        raise UsageError(f"--planner {arguments.planner}: choose from {', '.join(PLANNERS)}")
    for place in arguments.mcp:
        server_at(place)
    if arguments.journal_dir is not None and arguments.out is None:
        raise UsageError(f"--journal-dir {arguments.journal_dir}: no runs are kept: give --out DIR")
    for place in (arguments.out, arguments.journal_dir):
        if place is not None:
            check_runs(place)
    if arguments.model is not None and _has_model(arguments.engine):
        raise UsageError(
            f"--model {arguments.model}: --engine {arguments.engine} has its own: leave --model out"
        )
    keys = keys_of(arguments.api_key_file, os.environ)
    if keys and arguments.no_key:
        raise UsageError(
            f"--no-key: there are keys, by --api-key-file or {VARIABLE}: leave out one or the other"
        )
    if not (keys or arguments.no_key or _is_here(arguments.host)):
        raise UsageError(
            f"--host {arguments.host}: others could use the model: give keys with --api-key-file FILE or {VARIABLE}, "
            f"or write --no-key"
        )
    return ServerSettings(
        host=arguments.host,
        port=arguments.port,
        keys=keys,
        max_body=arguments.max_body,
        max_requests=arguments.max_requests,
        max_waiting=arguments.max_waiting,
        drain=arguments.drain,
    )


def _has_model(engine: str) -> bool:
    """Whether an engine takes no name of a model."""
    return is_place(engine) or engine.startswith("replay:")


def _is_here(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _until_stopped(arguments: argparse.Namespace, settings: ServerSettings) -> None:
    """Serves; a first signal ends it in order, a second one, or one before it serves, at once.

    Raises:
        KeyboardInterrupt: It was ended at once.
    """
    stop, serving = anyio.Event(), anyio.Event()
    interrupted = False

    async def watch() -> None:
        nonlocal interrupted
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for _ in signals:
                if serving.is_set() and not stop.is_set():
                    _say(f"stopping: requests may take {settings.drain:g} s more")
                    stop.set()
                else:
                    interrupted = True
                    group.cancel_scope.cancel()

    with single_error():
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await _serve(arguments, settings, stop, serving)
            group.cancel_scope.cancel()
    if interrupted:
        raise KeyboardInterrupt


async def _serve(
    arguments: argparse.Namespace,
    settings: ServerSettings,
    stop: anyio.Event,
    serving: anyio.Event,
) -> None:
    from ..gateway.answering.answering import Answering
    from ..gateway.answering.client_turns import ClientTurns
    from ..gateway.serving.server import serve

    async with AsyncExitStack() as exits:
        served = await exits.enter_async_context(opened_servers(arguments.mcp))
        tools = tools_by_name([*load_tools(arguments.tools), *served])
        _say(opening(arguments.engine, arguments.model))
        engine = await exits.enter_async_context(open_engine(arguments, _notice))
        answering = Answering(
            engine,
            tools=tools.values(),
            planner=arguments.planner,
            limiter=limiter_of(arguments, ClientTurns()),
            calls=call_policy_of(arguments),
            budget=budget_of(arguments),
            runs=arguments.out,
            journal_dir=arguments.journal_dir,
            approve=approve_all if arguments.approve else None,
            most_threads=arguments.max_threads,
            sampling=sampling_of(arguments),
        )

        def ready(address: str) -> None:
            serving.set()
            _collect_less_garbage()
            write(_ready(address, engine.model, needs_key=bool(settings.keys)))

        exits.enter_context(answering)
        async with anyio.create_task_group() as group:
            group.start_soon(answering.adapt)
            await serve(answering, settings, engine=engine, stop=stop, ready=ready)
            group.cancel_scope.cancel()


def _collect_less_garbage() -> None:
    """Spares the garbage collector the million objects of imports, and what is gone before it would look."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS)


def _ready(address: str, model: str, *, needs_key: bool) -> str:
    key = ' -H "Authorization: Bearer $FORKJOIN_API_KEY"' if needs_key else ""
    # Where it listens on all addresses, that is none to go to.
    here = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return printable(
        f"serving {model} and {model}@METHOD at {address}/v1; try: curl {here}/v1/chat/completions "
        f"-H 'Content-Type: application/json'{key} "
        f'-d \'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}\''
    )


def _notice(notice: Notice) -> None:
    _say(f"{notice.kind}: {notice.reason}")


def _say(line: str) -> None:
    sys.stderr.write(f"{printable(line)}\n")
    sys.stderr.flush()


command = ServeCommand()
