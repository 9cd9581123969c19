from __future__ import annotations

import functools
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
import pytest
from pydantic import Field

from orchestrator import ToolDefinitionError, tool

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


class Unit(Enum):
    METRE = "m"
    FOOT = "ft"


class Opaque:
    pass


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
        "height": {"type": "number", "default": 1, "description": "In metres too."},
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


def no_type(a) -> None: ...  # type: ignore[no-untyped-def]
def variadic(*numbers: int) -> None: ...
def keywords(**options: int) -> None: ...
def positional_only(a: int, /) -> None: ...
def unresolvable(a: Missing) -> None: ...
def opaque(a: Opaque) -> None: ...
def nested_opaque(a: list[Opaque]) -> None: ...
def callback(a: Callable[[int], int]) -> None: ...
def größe(a: int) -> None: ...
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
        (
            größe,
            "'größe' cannot be the name of a tool: pass name=... with at most 64 ASCII letters",
        ),
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


@pytest.mark.parametrize("name", ["a b", "1a", "", "é", "x" * 65, "a\n", "a(", "-a"])
def test_names_that_a_grammar_cannot_carry_are_refused(name: str) -> None:
    def f(a: int) -> None: ...

    with pytest.raises(ToolDefinitionError, match=r"cannot be the name of a tool") as caught:
        tool(f).renamed(name)
    assert "\n" not in str(caught.value)


def test_every_other_name_is_carried() -> None:
    def f(a: int) -> None: ...

    for name in ("a", "_x", "A.b-c_9", "x" * 64):
        assert tool(name=name)(f).specification.name == name


GOOGLE = """Finds a place.

    Args:
        name: What it is
            called.
        limit: At most so many.
    """
NUMPY = """Finds a place.

    Parameters
    ----------
    name : str
        What it is
        called.
    limit : int
        At most so many.
    """
REST = """Finds a place.

    :param name: What it is
        called.
    :param limit: At most so many.
    """


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_docstrings_of_every_style_describe_the_tool_and_its_parameters(docstring: str) -> None:
    def find(name: str, limit: int = 3) -> str:
        return name * limit

    find.__doc__ = docstring
    assert tool(find).specification.listing == (
        "find(name: string, limit: integer = ...): Finds a place.\n"
        "    name: What it is called.\n"
        "    limit: At most so many."
    )


def test_the_type_of_the_result_need_not_be_there() -> None:
    def f(a: int) -> Missing: ...

    assert tool(f).specification.required == ("a",)
