from __future__ import annotations

import asyncio  # noqa: TID251  # what people's tools raise
import sys
import threading
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import anyio
import pytest
from pydantic import AfterValidator, BaseModel, computed_field

from orchestrator import Tool, ToolError, tool
from tests.backends import run_virtually
from tests.orchestrator.processes import in_process


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Real clocks: a virtual one would jump over the timeout while a thread works."""
    return str(request.param)


class Point(BaseModel):
    x: float
    y: float = 0.0


class Unit(Enum):
    METRE = "m"
    FOOT = "ft"


class Opaque:
    pass


@pytest.mark.anyio
async def test_arguments_are_converted_to_their_types() -> None:
    seen: list[Any] = []

    @tool
    def f(point: Point, unit: Unit, numbers: list[float], n: int = 7) -> None:
        seen.extend([point, unit, numbers, n])

    await f.call({"point": {"x": 1}, "unit": "ft", "numbers": [1, 2]})
    assert seen == [Point(x=1.0), Unit.FOOT, [1.0, 2.0], 7]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Point(x=1), {"x": 1.0, "y": 0.0}),
        ((1, 2), [1, 2]),
        (Path("a/b"), "a/b"),
        ({1: Unit.METRE}, {"1": "m"}),
        (None, None),
    ],
)
async def test_results_become_json_data(result: Any, expected: Any) -> None:
    def f() -> Any:
        return result

    assert await tool(f).call({}) == expected


def circular() -> list[Any]:
    inside: list[Any] = []
    inside.append(inside)
    return inside


def deep() -> list[Any]:
    outermost: list[Any] = []
    for _ in range(10_000):
        outermost = [outermost]
    return outermost


@pytest.mark.anyio
@pytest.mark.parametrize(
    "result",
    [
        Opaque(),
        [1, {"x": threading.Lock()}],
        circular(),
        deep(),
        b"\xff",
        float("nan"),
        [float("-inf")],
        "\ud800",
    ],
    ids=["object", "lock", "circle", "deep", "bytes", "nan", "infinity", "surrogate"],
)
async def test_a_result_that_is_no_data_fails_the_call(result: Any) -> None:
    def strange() -> Any:
        return result

    kind = type(result).__name__
    with pytest.raises(ToolError, match=rf"strange returned a {kind}, which is no JSON data"):
        await tool(strange).call({})


@pytest.mark.anyio
async def test_a_result_that_breaks_while_it_becomes_data_fails_the_call() -> None:
    class Late(BaseModel):
        @computed_field
        def ratio(self) -> float:
            return 1 / 0

    def late() -> Any:
        return Late()

    with pytest.raises(ToolError, match="late returned a Late, which is no JSON data"):
        await tool(late).call({})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": "many"}, "f: argument 'a' is 'many': "),
        ({}, "f: argument 'a' is {}: Field required"),
        ({"a": 1, "b": 2}, "f: argument 'b' is 2: Extra inputs"),
        ({"a": 1, "point": {"x": [1]}}, r"f: argument 'point.x' is \[1\]: "),
    ],
)
async def test_wrong_arguments_fail_the_call_and_name_the_place(
    arguments: dict[str, Any], message: str
) -> None:
    called: list[int] = []

    @tool
    def f(a: float, point: Point | None = None) -> None:
        called.append(1)

    with pytest.raises(ToolError, match=message):
        await f.call(arguments)
    assert not called


class Surprise(Exception):
    pass


def raising(error: BaseException, asynchronous: bool) -> Tool:
    """A tool called `f` that raises the error."""

    def sync() -> None:
        raise error

    async def awaited() -> None:
        raise error

    return tool(name="f")(awaited if asynchronous else sync)


@pytest.mark.anyio
@pytest.mark.parametrize("error", [Surprise("boo"), TimeoutError("boo"), SystemExit("boo")])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_what_a_tool_raises_fails_the_call_with_the_reason(
    error: BaseException, asynchronous: bool
) -> None:
    made = raising(error, asynchronous)
    with pytest.raises(ToolError, match=rf"f raised {type(error).__name__}: boo") as caught:
        await made.call({})
    assert caught.value.__cause__ is error


@pytest.mark.anyio
async def test_sync_functions_run_beside_the_event_loop_and_async_ones_on_it() -> None:
    @tool
    def outside() -> int:
        return threading.get_ident()

    @tool
    async def inside() -> int:
        return threading.get_ident()

    assert await outside.call({}) != threading.get_ident()
    assert await inside.call({}) == threading.get_ident()


@pytest.mark.anyio
async def test_a_sync_tool_does_not_hold_up_the_event_loop() -> None:
    release = threading.Event()

    @tool
    def waits() -> str:
        return "released" if release.wait(30) else "held up"

    results: list[str] = []

    async def call() -> None:
        results.append(await waits.call({}))

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await anyio.lowlevel.checkpoint()
        release.set()
    assert results == ["released"]


@pytest.mark.anyio
async def test_a_sync_tool_that_hangs_fails_at_its_timeout() -> None:
    release = threading.Event()

    @tool(timeout=0.05)
    def hangs() -> None:
        release.wait(60)

    with pytest.raises(ToolError, match=r"hangs gave no result in 0\.05 s"):
        await hangs.call({})
    release.set()


def test_an_async_tool_that_hangs_fails_at_its_timeout_and_is_cancelled() -> None:
    cancelled: list[float] = []

    @tool(timeout=3600)
    async def hangs() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(anyio.current_time())

    async def call() -> None:
        with pytest.raises(ToolError, match="hangs gave no result in 3600 s"):
            await hangs.call({})

    run_virtually(call)
    assert cancelled == [3600.0]


@pytest.mark.anyio
async def test_cancelling_a_call_is_no_failure_of_the_tool() -> None:
    release = threading.Event()

    @tool
    def waits() -> None:
        release.wait(60)

    ended: list[str] = []

    async def call() -> None:
        try:
            await waits.call({})
        except anyio.get_cancelled_exc_class():
            ended.append("cancelled")
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    release.set()
    assert ended == ["cancelled"]


HANGING = """
import anyio, threading
from orchestrator import ToolError, tool

@tool(timeout=0.05)
def hangs() -> None:
    threading.Event().wait()

async def main():
    try:
        await hangs.call({})
    except ToolError as error:
        print(error)

anyio.run(main, backend="BACKEND")
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_program_whose_tool_hangs_for_ever_still_exits(backend: str) -> None:
    program = HANGING.replace("BACKEND", backend)
    done = in_process(sys.executable, "-c", program, folder=Path.cwd())
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "hangs gave no result in 0.05 s\n",
        "",
    )


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unspeakable(), "Unspeakable: (it cannot say why)"),
        (ValueError("caf\udce9"), r"ValueError: caf\udce9"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_whatever_a_tool_raises_is_told_in_words(
    error: BaseException, told: str, asynchronous: bool
) -> None:
    made = raising(error, asynchronous)
    with pytest.raises(ToolError) as caught:
        await made.call({})
    assert told in str(caught.value)
    str(caught.value).encode()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_tool_that_ends_in_a_cancellation_of_its_own_fails(asynchronous: bool) -> None:
    made = raising(asyncio.CancelledError(), asynchronous)
    with pytest.raises(ToolError, match=r"f (was cancelled|raised CancelledError)"):
        anyio.run(made.call, {})


@pytest.mark.anyio
async def test_a_check_of_the_parameters_that_breaks_fails_the_call() -> None:
    @tool
    def f(a: Annotated[int, AfterValidator(lambda value: value / 0)]) -> int:
        return a

    with pytest.raises(ToolError, match="f raised ZeroDivisionError"):
        await f.call({"a": 1})


@pytest.mark.anyio
async def test_a_plain_tool_sees_the_context_of_its_caller() -> None:
    request: ContextVar[str] = ContextVar("request")
    request.set("r-1")

    @tool
    def f() -> str:
        return request.get()

    assert await f.call({}) == "r-1"


@pytest.mark.anyio
async def test_what_is_huge_is_told_in_short() -> None:
    @tool
    async def f(number: int) -> int:
        raise ValueError("y" * 10**6)

    with pytest.raises(ToolError) as caught:
        await f.call({"number": "x" * 10**6})
    assert "argument 'number' is 'xxx" in str(caught.value)
    assert "1,000,002 characters" in str(caught.value)
    assert len(str(caught.value)) < 3_000
    with pytest.raises(ToolError) as caught:
        await f.call({"number": 1})
    assert len(str(caught.value)) < 3_000


@pytest.mark.anyio
async def test_more_than_a_result_may_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.tools.data.MOST_BYTES", 1_000)

    @tool
    def f(length: int) -> str:
        return "é" * length

    assert await f.call({"length": 499}) == "é" * 499
    with pytest.raises(ToolError, match=r"f gave 1,002 bytes, and 1,000 are the most: give a part"):
        await f.call({"length": 500})


@pytest.mark.anyio
async def test_without_a_check_arguments_are_passed_on_as_they_are() -> None:
    def f(**arguments: Any) -> Any:
        return arguments

    specification = tool(name="f")(max_of).specification
    bare = Tool(specification=specification, function=f, arguments=None, timeout=1)
    assert await bare.call({"odd-name": [1]}) == {"odd-name": [1]}


def max_of(numbers: list[float]) -> float:
    return max(numbers)
