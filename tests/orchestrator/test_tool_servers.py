"""Tool servers that do what they should: made with the official SDK, in a process and behind an address."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn

from engines import FakeEngine, MissingExtra, UsageError
from orchestrator import Agent, Tool
from orchestrator.errors import ToolDefinitionError, ToolError
from orchestrator.tool_servers import ToolServerStatistics, tool_server
from planners import Call, GivenPlanner, Plan, Reference
from tests.orchestrator import tool_servers
from tests.orchestrator.mcp_server import make_server
from tests.orchestrator.processes import in_process
from tests.orchestrator.raw_server import Settings, log_of
from tests.orchestrator.tool_servers import (
    MADE_WITH_SDK,
    by_name,
    listed,
    nothing_left,
    reads,
    said,
    wait_written,
)

anyio_backend = tool_servers.real_backend
# Over HTTP on trio the SDK leaves generators open; elsewhere it is for time.
ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", ["asyncio"])

PLAN = Plan(
    nodes=(
        Call(id="1", tool="multiply", arguments={"a": 6}),
        Call(id="2", tool="multiply", arguments={"a": Reference(node="1"), "b": 0.5}),
        Call(id="3", tool="town", arguments={"name": "Ulm"}),
        Call(id="4", tool="multiply", arguments={"a": Reference(node="3", field="people")}),
    )
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server made with the SDK that talks HTTP."""
    app = make_server().streamable_http_app()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.005)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}/mcp"
    server.should_exit = True
    thread.join()


async def use(tools: list[Tool], folder: Path) -> None:
    """Uses every kind of tool of the server made with the SDK."""
    found = by_name(tools)
    multiply = found["multiply"].specification
    assert multiply.signature == "multiply(a: number, b: number = ...)"
    assert multiply.description == "Multiplies two numbers."
    assert multiply.repeatable
    assert not multiply.pure
    assert found["remove"].specification.repeatable
    assert not found["write"].specification.repeatable
    assert await found["multiply"].call({"a": 6, "b": 7}) == 42
    assert await found["town"].call({"name": "Ulm", "kind": "small"}) == {
        "name": "Ulm",
        "people": 12,
    }
    assert await found["picture"].call({}) == "[image/png, 5 bytes, left out]"
    assert await found["long"].call({"characters": 200_000}) == "x" * 200_000
    with pytest.raises(ToolError, match=r"^write failed: no room for me$"):
        await found["write"].call({"text": "me"})
    with pytest.raises(ToolError, match=r"^multiply: argument 'a' is 'x': 'x' is not of type"):
        await found["multiply"].call({"a": "x"})
    waiting = folder / "waiting"
    async with anyio.create_task_group() as group:
        group.start_soon(found["wait"].call, {"path": str(waiting)})
        await wait_written(waiting, "waits")
        group.cancel_scope.cancel()
    await wait_written(waiting, "cancelled")


async def run(tools: list[Tool]) -> None:
    result = await Agent(FakeEngine("unused"), tools=tools, planner=GivenPlanner(given=PLAN)).run(
        "?"
    )
    values = {name: outcome.value for name, outcome in result.outcomes.items()}
    assert {name: value and value.data for name, value in values.items()} == {
        "1": 12,
        "2": 6,
        "3": {"name": "Ulm", "people": 5_000_000},
        "4": 10_000_000,
    }


@pytest.mark.anyio
async def test_a_server_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "secret")
    with nothing_left():
        server = tool_server(command=MADE_WITH_SDK, env={"A": "1"}, cwd=tmp_path)
        async with server as tools:
            await use(tools, tmp_path)
            await run(tools)
            variable = by_name(tools)["variable"]
            assert await variable.call({"name": "A"}) == f"1 in {tmp_path}"
            assert await variable.call({"name": "OURS"}) == f"None in {tmp_path}"
            assert server.statistics() == ToolServerStatistics(
                starts=1, calls=12, running=0, connected=True
            )


@pytest.mark.anyio
@ON_ASYNCIO
async def test_a_server_behind_an_address(address: str, tmp_path: Path) -> None:
    async with tool_server(url=address) as tools:
        await use(tools, tmp_path)
        await run(tools)


def test_a_plain_with_and_run_sync_share_a_loop() -> None:
    settings = Settings(tools=[reads()], results={"add": said("3")})
    plan = Plan(nodes=(Call(id="1", tool="add", arguments={"a": 1}),))
    with nothing_left(), tool_server(command=settings.command()) as tools:
        agent = Agent(FakeEngine("unused"), tools=tools, planner=GivenPlanner(given=plan))
        assert agent.run_sync("?").answer.value == "3"


def test_a_plain_with_raises_what_is_wrong_as_it_is() -> None:
    with (
        pytest.raises(ToolDefinitionError, match="it ended with exit code 0"),
        tool_server(command=["true"]),
    ):
        pass
    with pytest.raises(ZeroDivisionError), tool_server(command=Settings().command()):
        _ = 1 / 0


@pytest.mark.anyio
async def test_options_choose_name_and_mark_tools() -> None:
    settings = Settings(
        tools=[
            listed("a/b"),
            listed("c"),
            listed("bad", inputSchema={"type": "object", "minLength": "x"}),
        ],
        results={"a/b": said("yes")},
    )
    async with tool_server(
        command=settings.command(),
        only=["a/b", "c"],
        prefix="x_",
        timeout=300,
        pure=["a/b"],
        approval=["c"],
    ) as tools:
        first, second = tools
        assert await first.call({}) == "yes"
    assert (first.specification.name, first.specification.pure, first.approval) == (
        "x_a_b",
        True,
        False,
    )
    assert (second.specification.name, second.specification.pure, second.approval) == (
        "x_c",
        False,
        True,
    )
    assert (first.timeout, second.timeout) == (300, 300)


@pytest.mark.anyio
@ON_ASYNCIO
async def test_a_thousand_tools_come_in_pages(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(tools=[reads("t")], copies=1000, page=100, log=str(log))
    async with tool_server(command=settings.command()) as tools:
        assert [tool.specification.name for tool in tools] == [f"t{i}" for i in range(1000)]
    assert log_of(log).count("tools/list") == 10


@pytest.mark.anyio
async def test_two_servers_with_the_same_tool_need_a_prefix() -> None:
    command = Settings(tools=[reads()], results={"add": said("3")}).command()
    async with tool_server(command=command) as some, tool_server(command=command) as others:
        with pytest.raises(ToolDefinitionError, match="two tools are called 'add'"):
            Agent(FakeEngine("unused"), tools=[*some, *others])
    async with (
        tool_server(command=command) as some,
        tool_server(command=command, prefix="b_") as others,
    ):
        Agent(FakeEngine("unused"), tools=[*some, *others])


@pytest.mark.anyio
async def test_a_block_can_be_entered_again_but_not_twice_at_once() -> None:
    server = tool_server(command=Settings(tools=[reads()], results={"add": said("3")}).command())
    for _ in range(2):
        async with server as (add,):
            assert await add.call({"a": 1}) == "3"
            with pytest.raises(RuntimeError, match="is open already"):
                await server.__aenter__()
        with pytest.raises(ToolError, match="is closed: its block was left"):
            await add.call({"a": 1})
    assert server.statistics().starts == 2


@pytest.mark.anyio
async def test_another_event_loop_is_told_of() -> None:
    command = Settings(tools=[reads()], results={"add": said("3")}).command()
    async with tool_server(command=command) as (add,):
        with pytest.raises(ToolError, match="belongs to another event loop"):
            await anyio.to_thread.run_sync(lambda: anyio.run(add.call, {"a": 1}))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "needs command="),
        ({"command": []}, "needs command="),
        ({"command": ["a"], "url": "http://a"}, "needs command="),
        ({"command": ["a"], "headers": {}}, "needs command="),
        ({"url": "http://a", "env": {}}, "needs command="),
        ({"url": "localhost:80"}, "url='localhost:80': write one such as"),
        ({"command": "python a.py"}, r"give a list, as in \['python', 'a.py'\]"),
    ],
)
def test_what_makes_no_server_is_refused_at_once(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        tool_server(**options)


@pytest.mark.parametrize("found", ["1.28.0", None])
def test_without_the_sdk_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, found: str | None
) -> None:
    def version(name: str) -> str:
        if found is None:
            raise PackageNotFoundError(name)
        return found

    monkeypatch.setattr("orchestrator.tool_servers.server.version", version)
    with pytest.raises(MissingExtra) as caught:
        tool_server(command=["a"])
    assert str(caught.value) == (
        "mcp 2, the SDK for tool servers, is not installed: run `uv pip install 'forkjoin[mcp]'`"
    )


def test_the_sdk_is_loaded_where_a_server_is_opened() -> None:
    code = (
        "import sys; from orchestrator.tool_servers import tool_server; tool_server(command=['a'])\n"
        "print({'mcp', 'httpx2', 'jsonschema'} & set(sys.modules))"
    )
    done = in_process(sys.executable, "-c", code, folder=Path.cwd())
    assert (done.stdout, done.stderr) == ("set()\n", "")
