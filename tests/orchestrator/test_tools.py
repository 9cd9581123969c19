from __future__ import annotations

import asyncio  # noqa: TID251  # what people's tools raise
import functools
import itertools
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
import pytest
from pydantic import AfterValidator, BaseModel, Field, computed_field

from engines import FakeEngine
from orchestrator import Agent, Tool, ToolDefinitionError, ToolError, tool
from orchestrator.tools import tools_by_name
from tests.backends import run_virtually

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


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


# Schemas


def properties(function: Callable[..., Any]) -> dict[str, Any]:
    return dict(tool(function).specification.properties)


def test_the_signature_and_the_docstring_give_the_specification() -> None:
    @tool
    def area(width: float, height: float = 1, *, name: str | None = None) -> float:
        """Computes an area.

        And says more about it, which plans do not need.

        Args:
            width: In metres.
            height: In metres
                too.
        """
        return width * height

    specification = area.specification
    assert specification.name == "area"
    assert specification.description == "Computes an area."
    assert specification.required == ("width",)
    assert specification.parameters["additionalProperties"] is False
    assert specification.properties == {
        "width": {"type": "number", "description": "In metres."},
        "height": {"type": "number", "default": 1, "description": "In metres\ntoo."},
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    }


def test_types_become_schemas() -> None:
    def f(
        n: int,
        flag: bool,
        texts: list[str],
        table: dict[str, int],
        unit: Unit,
        mode: Literal["fast", "slow"],
    ) -> None: ...

    found = properties(f)
    assert found["n"] == {"type": "integer"}
    assert found["flag"] == {"type": "boolean"}
    assert found["texts"] == {"type": "array", "items": {"type": "string"}}
    assert found["table"] == {"type": "object", "additionalProperties": {"type": "integer"}}
    assert found["mode"] == {"type": "string", "enum": ["fast", "slow"]}
    assert "$ref" in found["unit"]


def test_annotated_types_keep_their_bounds_and_descriptions() -> None:
    def f(share: Annotated[float, Field(gt=0, le=1, description="Between 0 and 1.")]) -> None: ...

    assert properties(f)["share"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "Between 0 and 1.",
    }


@pytest.mark.filterwarnings("error")
def test_parameters_may_be_called_like_attributes_of_a_model() -> None:
    @tool
    def f(json: str, schema: int, copy: bool = True, model_config: int = 2, _x: int = 3) -> Any:
        return [json, schema, copy, model_config, _x]

    assert f.specification.required == ("json", "schema")
    assert anyio.run(f.call, {"json": "{}", "schema": 1, "_x": 5}) == ["{}", 1, True, 2, 5]


def test_a_decorated_function_can_still_be_called() -> None:
    @tool
    def double(a: float) -> float:
        return 2 * a

    assert double(2) == 4
    assert double(a=3) == 6


def test_name_and_timeout_can_be_given() -> None:
    @tool(name="twice", timeout=3)
    def double(a: float) -> float:
        return 2 * a

    assert double.specification.name == "twice"
    assert double.timeout == 3


def test_a_bound_method_is_a_tool_without_self() -> None:
    class Counter:
        start = 40

        def up(self, by: int) -> int:
            return self.start + by

    made = tool(Counter().up)
    assert made.specification.required == ("by",)
    assert anyio.run(made.call, {"by": 2}) == 42


def no_type(a) -> None: ...  # type: ignore[no-untyped-def]
def variadic(*numbers: int) -> None: ...
def keywords(**options: int) -> None: ...
def positional_only(a: int, /) -> None: ...
def unresolvable(a: Missing) -> None: ...
def opaque(a: Opaque) -> None: ...
def nested_opaque(a: list[Opaque]) -> None: ...
def callback(a: Callable[[int], int]) -> None: ...
def think(a: int) -> None: ...
def join(a: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_type, "tool 'no_type': parameter 'a' has no type: annotate it, as in a: float"),
        (variadic, "tool 'variadic': parameter *numbers: "),
        (keywords, "tool 'keywords': parameter **options: "),
        (positional_only, "tool 'positional_only': parameter a: "),
        (unresolvable, "tool 'unresolvable': its types cannot be resolved: name 'Missing'"),
        (opaque, "tool 'opaque': its signature has no JSON schema: "),
        (nested_opaque, "tool 'nested_opaque': its signature has no JSON schema: "),
        (callback, "tool 'callback': its signature has no JSON schema: "),
        (max, "tool 'max': its types cannot be resolved: no signature found"),
        (functools.partial(properties), "tool 'partial': its types cannot be resolved: "),
        (think, "a tool cannot be called 'think': plans use this word"),
        (join, "a tool cannot be called 'join': plans use this word"),
        (lambda: None, "'<lambda>' cannot be the name of a tool"),
    ],
    ids=lambda value: getattr(value, "__name__", "") if callable(value) else "",
)
def test_what_cannot_be_a_tool_says_so_in_one_line(
    function: Callable[..., Any], message: str
) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        tool(function)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_annotation_that_is_no_python_says_so() -> None:
    def f(a: int) -> None: ...

    f.__annotations__["a"] = "1 +"
    with pytest.raises(ToolDefinitionError, match="its types cannot be resolved"):
        tool(f)


def test_two_tools_of_one_name_are_refused() -> None:
    def f(a: int) -> None: ...

    with pytest.raises(ToolDefinitionError, match=r"two tools are called 'f': rename one"):
        Agent(FakeEngine(), tools=[f, tool(name="f")(max_of)])


def max_of(numbers: list[float]) -> float:
    return max(numbers)


def test_the_same_tool_twice_is_one_tool() -> None:
    made = tool(max_of)
    assert tools_by_name([made, made]) == {"max_of": made}


# Calls


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
    done = subprocess.run(
        [sys.executable, "-c", HANGING.replace("BACKEND", backend)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "hangs gave no result in 0.05 s\n",
        "",
    )


def test_a_tool_is_a_frozen_record() -> None:
    made = tool(max_of)
    assert isinstance(made, Tool)
    with pytest.raises(AttributeError):
        made.timeout = 1  # type: ignore[misc]


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
async def test_a_result_that_may_have_no_end_is_refused() -> None:
    @tool
    def f() -> Iterator[int]:
        return itertools.count()

    with pytest.raises(ToolError, match="returned a count, which may have no end: return a list"):
        await f.call({})


@pytest.mark.anyio
async def test_a_plain_tool_sees_the_context_of_its_caller() -> None:
    request: ContextVar[str] = ContextVar("request")
    request.set("r-1")

    @tool
    def f() -> str:
        return request.get()

    assert await f.call({}) == "r-1"
