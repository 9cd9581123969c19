"""Tool servers that die, lie, keep silent or write nonsense."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engines import FakeEngine
from orchestrator import Agent, Tool
from orchestrator.errors import ToolDefinitionError, ToolError, ToolUnavailable
from orchestrator.tool_servers import tool_server
from planners import Call, GivenPlanner, Plan
from tests.engines.servers import serving
from tests.orchestrator import tool_servers
from tests.orchestrator.processes import in_process
from tests.orchestrator.raw_server import Settings, log_of
from tests.orchestrator.tool_servers import (
    listed,
    nothing_left,
    reads,
    refusal,
    said,
)
from tests.ports import held_port

anyio_backend = tool_servers.real_backend
ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", ["asyncio"])

SILENT = {"initialize": None}
DIED = "it ended with exit code 1; its last line: KeyError: 'no [31mkey'"


async def failure(tool: Tool, arguments: dict[str, Any] | None = None) -> str:
    """The error of a call that a run does not repeat."""
    with pytest.raises(ToolError) as caught:
        await tool.call(arguments or {})
    assert type(caught.value) is ToolError
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["nonesuch", "--x"], "tool server nonesuch --x: it cannot be started: No such file"),
        (["/etc/passwd"], "tool server /etc/passwd: it cannot be started: Permission denied"),
        (["true"], "tool server true: it ended with exit code 0"),
        (["sh", "-c", "echo no >&2; exit 3"], "it ended with exit code 3; its last line: no"),
        (["sh", "-c", "kill -9 $$"], "it was killed by signal 9"),
        (["a\0b"], "connecting failed: ValueError: embedded null byte"),
    ],
)
async def test_a_command_that_is_no_server(command: list[str], problem: str) -> None:
    with nothing_left(), pytest.raises(ToolDefinitionError) as caught:
        async with tool_server(command=command):
            pass
    assert problem in str(caught.value)


@pytest.mark.anyio
async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolDefinitionError, match=r"connecting failed: FileNotFoundError: .*/none"):
        async with tool_server(command=["true"], cwd=tmp_path / "none"):
            pass


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (Settings(dies_in="initialize"), DIED),
        (Settings(dies_in="tools/list"), DIED),
        (Settings(answers=SILENT), "no answer to initialize in 0.2 s"),
        # It may be late with the first answer already.
        (Settings(answers={"tools/list": None}), "no answer to "),
        (
            Settings(answers={"initialize": {"error": {"code": 1, "message": "not\ntoday"}}}),
            "initialize was refused: not today",
        ),
        (
            Settings(answers={"initialize": {"result": {"protocolVersion": "2"}}}),
            "initialize failed: capabilities: Field required",
        ),
        (
            Settings(answers={"tools/list": {"result": {"tools": [listed(inputSchema="x")]}}}),
            "tools/list failed: tools.0.inputSchema: Input should be",
        ),
        (
            Settings(answers={"tools/list": {"result": {"tools": [], "nextCursor": "1"}}}),
            "tools/list failed: ValueError: the list of tools has no end",
        ),
        (
            Settings(tools=[listed(inputSchema={"type": "object", "minLength": "x"})]),
            "tool 'add': its schema is none at minLength: 'x' is not of type 'integer'",
        ),
        (Settings(tools=[listed("a b"), listed("a/b")]), "'a b' and 'a/b' are both 'a_b'"),
    ],
)
async def test_a_server_that_does_not_become_ready(settings: Settings, problem: str) -> None:
    # Where nothing is answered, 0.2 s are as good as a minute.
    seconds = 0.2 if "no answer" in problem else 60
    with nothing_left():
        told = await refusal(settings, start_timeout=seconds)
    assert problem in told
    assert "\n" not in told


def test_nonsense_on_standard_output_is_passed_over_without_a_word() -> None:
    settings = Settings(tools=[reads()], results={"add": said("3")}, first="Hello!\n\0\n{}\n[1]\n")
    # In a program of its own, since pytest sets up logging.
    program = (
        "import anyio\n"
        "from orchestrator.tool_servers import tool_server\n"
        "async def main():\n"
        f"    async with tool_server(command={settings.command()}) as (add,):\n"
        "        print(await add.call({}))\n"
        "anyio.run(main)\n"
    )
    done = in_process(sys.executable, "-c", program, folder=Path.cwd())
    assert (done.stdout, done.stderr) == ("3\n", "")


@pytest.mark.anyio
async def test_a_server_that_dies_fails_its_calls_and_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(
        tools=[reads("add"), reads("wait"), listed("die")],
        results={"add": said("3"), "wait": None},
        dies_in="die",
        log=str(log),
    )
    errors: list[ToolError] = []

    async def expect_error(tool: Tool) -> None:
        with pytest.raises(ToolError) as caught:
            await tool.call({})
        errors.append(caught.value)

    server = tool_server(command=settings.command())
    with nothing_left():
        async with server as (add, wait, die):
            assert await add.call({}) == "3"
            async with anyio.create_task_group() as group:
                group.start_soon(expect_error, wait)
                while log_of(log).count("tools/call") < 2:  # noqa: ASYNC110 -- a process writes
                    await anyio.sleep(0.01)
                told = await failure(die)
            assert told.endswith(f"was lost: {DIED}")
            # What only reads may be called again.
            assert [type(error) for error in errors] == [ToolUnavailable]
            assert str(errors[0]) == told.replace("die", "wait", 1)
            assert await add.call({}) == "3"
            assert server.statistics().starts == 2


@pytest.mark.anyio
async def test_a_server_that_never_answers_a_call_is_not_started_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(tools=[reads()], dies_in="tools/call", log=str(log))
    async with tool_server(command=settings.command()) as (add,):
        first, second = await failure(add), await failure(add)
    assert first == second
    assert first.endswith(
        f"was lost: {DIED}; it is not started again, since it had answered no call"
    )
    assert log_of(log).count("tools/call") == 1


@pytest.mark.anyio
async def test_a_server_that_died_between_calls_is_there_for_the_next() -> None:
    settings = Settings(tools=[listed()], results={"add": said("3")}, ends_after="tools/call")
    server = tool_server(command=settings.command())
    async with server as (add,):
        for starts in (1, 2, 3):
            assert await add.call({}) == "3"
            assert server.statistics().starts == starts
            while server.statistics().connected:  # noqa: ASYNC110 -- a process ends
                await anyio.sleep(0.01)


@pytest.mark.anyio
async def test_the_run_goes_on_without_a_server_that_died() -> None:
    plan = Plan(nodes=(Call(id="1", tool="add"), Call(id="2", tool="ours")))
    settings = Settings(tools=[listed()], dies_in="tools/call")

    def ours() -> str:
        return "done"

    async with tool_server(command=settings.command()) as tools:
        agent = Agent(FakeEngine("-"), tools=[*tools, ours], planner=GivenPlanner(given=plan))
        result = await agent.run("?")
    assert result.outcomes["1"].reason.startswith("add: its server ")
    assert DIED in result.outcomes["1"].reason
    assert result.answer.value == "done"


@pytest.mark.anyio
async def test_a_call_that_is_never_answered_times_out_and_is_cancelled(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(tools=[reads()], answers={"tools/call": None}, log=str(log))
    async with tool_server(command=settings.command(), timeout=1) as (add,):
        assert await failure(add) == "add gave no result in 1 s"
        while "notifications/cancelled" not in log_of(log):  # noqa: ASYNC110 -- a process writes
            await anyio.sleep(0.01)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"error": {"code": 1, "message": "a\nb"}}, "add: its server says: a b"),
        ({"result": {"content": 3}}, "add gave an answer of no use: content: Input should be"),
        ({"result": {"content": [{"type": "dance"}]}}, "add gave an answer of no use: content.0"),
        (
            {"result": {"content": [], "structuredContent": {"sum": "x"}}},
            "add gave an answer of no use: RuntimeError: Invalid structured content returned by tool "
            "add: 'x' is not of type 'integer'",
        ),
        (said("3"), "has an output schema but did not return structured content"),
        ({"result": {**said("no\nroom")["result"], "isError": True}}, "add failed: no room"),
    ],
)
async def test_an_answer_of_no_use_fails_its_call_alone(answer: dict[str, Any], told: str) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}}
    settings = Settings(
        tools=[listed(outputSchema=schema), listed("other")],
        results={"add": answer, "other": said("yes")},
    )
    async with tool_server(command=settings.command()) as (add, other):
        assert told in await failure(add)
        assert await other.call({}) == "yes"


@pytest.mark.anyio
@ON_ASYNCIO
async def test_a_result_of_ten_megabytes_comes_whole() -> None:
    command = [sys.executable, "-c", _LARGE]
    async with tool_server(command=command) as (large,):
        assert await large.call({}) == "x" * 10_000_000


_LARGE = f"""
import json, sys
tools = [{{"name": "large", "inputSchema": {{"type": "object"}}}}]
for line in sys.stdin:
    message = json.loads(line)
    text = {{"content": [{{"type": "text", "text": "x" * 10_000_000}}]}}
    results = {{"initialize": {Settings().answer("initialize", {})["result"]}, "tools/list": {{"tools": tools}}}}
    if "id" in message:
        result = results.get(message["method"], text)
        print(json.dumps({{"jsonrpc": "2.0", "id": message["id"], "result": result}}), flush=True)
"""


Handle = Callable[[Request], Awaitable[Response]]


def answering(settings: Settings, *, instead: Handle | None = None) -> Handle:
    """Answers messages over HTTP; `instead` does where calls come."""

    async def handle(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        message = await request.json()
        if instead is not None and message["method"] == "tools/call":
            return await instead(request)
        if "id" not in message:
            return Response(status_code=202)
        answered = settings.answer(message["method"], message.get("params", {}))
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], **answered})

    return handle


def app(handle: Handle) -> Starlette:
    return Starlette(routes=[Route("/mcp", handle, methods=["GET", "POST", "DELETE"])])


@pytest.mark.anyio
@ON_ASYNCIO
@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "initialize was refused: Server returned an error response; HTTP 401 Unauthorized"),
        (404, "initialize was refused: Not Found; HTTP 404 Not Found"),
        (500, "initialize was refused: Server returned an error response; HTTP 500 Internal"),
        (200, "initialize was refused: Unexpected content type: text/html"),
    ],
)
async def test_an_address_that_is_no_tool_server(status: int, told: str) -> None:
    async def refuse(request: Request) -> Response:
        return Response("<html>", status_code=status, media_type="text/html")

    with serving(app(refuse)) as url, pytest.raises(ToolDefinitionError) as caught:
        async with tool_server(url=f"{url}/mcp?key=secret"):
            pass
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.anyio
@ON_ASYNCIO
async def test_an_address_where_nothing_listens_or_nothing_answers() -> None:
    with (
        held_port() as port,
        pytest.raises(ToolDefinitionError, match="initialize failed: ConnectError: "),
    ):
        async with tool_server(url=f"http://127.0.0.1:{port}"):
            pass

    async def silent(request: Request) -> Response:
        await anyio.sleep_forever()
        return Response()

    with serving(app(silent)) as url, pytest.raises(ToolDefinitionError, match="no answer to init"):
        async with tool_server(url=f"{url}/mcp", start_timeout=0.1):
            pass


@pytest.mark.anyio
@ON_ASYNCIO
async def test_headers_go_with_every_request() -> None:
    seen = []

    async def handle(request: Request) -> Response:
        seen.append(request.headers.get("authorization"))
        return await answering(Settings(tools=[reads()], results={"add": said("3")}))(request)

    with serving(app(handle)) as url:
        async with tool_server(url=f"{url}/mcp", headers={"Authorization": "Bearer x"}) as (add,):
            assert await add.call({}) == "3"
    assert set(seen) == {"Bearer x"}


@pytest.mark.anyio
@ON_ASYNCIO
async def test_an_address_is_tried_again_when_its_server_is_back() -> None:
    settings = Settings(tools=[reads(), listed("write")], results={"add": said("3")})
    with held_port() as port:
        with serving(app(answering(settings)), port=port) as url:
            server = tool_server(url=f"{url}/mcp")
            block = server.__aenter__()
            add, write = await block
        try:
            for tool in (add, write):
                # The second call was never sent, so that it does no harm to make it again.
                with pytest.raises(ToolUnavailable, match="ConnectError"):
                    await tool.call({})
            with serving(app(answering(settings)), port=port):
                assert await add.call({}) == "3"
        finally:
            await server.__aexit__(None, None, None)


@pytest.mark.anyio
@ON_ASYNCIO
async def test_a_session_that_the_server_forgot_is_opened_anew() -> None:
    sessions = iter(range(100))
    known: set[str] = set()

    async def handle(request: Request) -> Response:
        settings = Settings(tools=[reads()], results={"add": said("3")})
        given = request.headers.get("mcp-session-id")
        if given is not None and given not in known:
            return Response(status_code=404)
        response = await answering(settings)(request)
        if given is None:
            known.add(name := str(next(sessions)))
            response.headers["mcp-session-id"] = name
        return response

    with serving(app(handle)) as url:
        async with tool_server(url=f"{url}/mcp") as (add,):
            assert await add.call({}) == "3"
            known.clear()
            with pytest.raises(
                ToolUnavailable, match="it closed the connection; HTTP 404 Not Found"
            ):
                await add.call({})
            assert await add.call({}) == "3"
