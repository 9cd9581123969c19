from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Annotated, Any, Literal, Protocol

import pytest
from pydantic import Field

from engines import Sampling, UsageError
from engines.settings import configured, option_names


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: int = 1
    sampling: Sampling = Sampling()


@dataclass(frozen=True, kw_only=True)
class Outer:
    least: int = 1
    most: int = 3
    share: float = 0.5
    name: str = "a"
    sure: bool = False
    limit: int | None = 7
    kind: Literal["fast", "slow"] = "fast"
    words: tuple[str, ...] = ()
    wait: Literal["last", "half"] | Annotated[int, Field(ge=1)] = "last"
    hints: Literal["known"] | tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    inner: Inner = Inner()
    judge: Sampling | None = None
    check: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise UsageError(f"from {self.least} to {self.most} is nothing")


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("most", "12", 12),
        ("share", "1", 1.0),
        ("share", "1e-3", 0.001),
        ("name", "12", "12"),
        ("name", "true", "true"),
        ("name", '"quoted"', "quoted"),
        ("name", "", ""),
        ("name", "a=b", "a=b"),
        ("name", "[1]", "[1]"),
        ("wait", "2", 2),
        ("hints", '["a"]', ("a",)),
        ("sure", "true", True),
        ("sure", "yes", True),
        ("limit", "null", None),
        ("limit", "3", 3),
        ("kind", "slow", "slow"),
        ("words", '["a", "b"]', ("a", "b")),
        ("rates", '{"x": 2}', {"x": 2.0}),
    ],
)
def test_a_text_becomes_a_value_of_the_type_of_the_field(
    option: str, text: str, value: object
) -> None:
    found = getattr(configured(Outer(), {option: text}), option)
    assert (type(found), found) == (type(value), value)


def test_options_of_what_a_field_holds_are_named_with_dots_also_where_it_holds_nothing_yet() -> (
    None
):
    options = {"inner.sampling.temperature": "0", "inner.size": "5", "judge.max_tokens": "9"}
    assert configured(Outer(), options) == Outer(
        inner=Inner(size=5, sampling=Sampling(temperature=0)), judge=Sampling(max_tokens=9)
    )


def test_options_that_fit_only_together_are_taken_together() -> None:
    assert configured(Outer(), {"least": "8", "most": "9"}) == Outer(least=8, most=9)


def test_nothing_else_changes() -> None:
    assert configured(Outer(name="mine"), {}) == Outer(name="mine")


def test_every_option_that_a_text_can_set_is_named() -> None:
    names = list(option_names(Outer()))
    assert "check" not in names
    # It is none without its workers, and methods make it.
    assert "inner.sampling.collaboration" not in names
    assert {"least", "inner.size", "inner.sampling.top_p", "judge.temperature"} <= set(names)
    for name in names:
        assert isinstance(
            configured(Outer(), {name: "null" if name == "limit" else _text(name)}), Outer
        )


def _text(name: str) -> str:
    values: dict[str, Any] = {"kind": "slow", "rates": "{}", "sure": "no", "name": "b"}
    last = name.rpartition(".")[2]
    if last in ("words", "hints", "stop", "stop_token_ids"):
        return "[]"
    return str(values.get(last, "null" if last in ("constraint", "seed", "logprobs") else 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"must": "1"}, "--set x.must: there is no such option: there is least, most, share, "),
        ({"inner": "1"}, "--set x.inner: it is set by what is inside of it: there is inner."),
        ({"inner.sampling.heat": "1"}, "--set x.inner.sampling.heat: there is no such option"),
        ({"most.x": "1"}, "--set x.most.x: there is no such option"),
        ({"": "1"}, "--set x.: there is no such option"),
        ({"check": "print"}, "--set x.check: there is no such option"),
        ({"most": "many"}, "--set x.most=many: input should be a valid integer"),
        ({"most": "1.5"}, "--set x.most=1.5: input should be a valid integer"),
        ({"share": "NaN"}, "--set x.share=NaN: input should be a finite number"),
        ({"share": "inf"}, "--set x.share=inf: input should be a finite number"),
        ({"kind": "new"}, "--set x.kind=new: input should be 'fast' or 'slow'"),
        ({"words": ""}, "--set x.words=: input should be a valid tuple, as JSON, such as []"),
        (
            {"words": "a"},
            '--set x.words=a: input should be a valid tuple, as JSON, such as ["a"]',
        ),
        ({"words": '["a", 1]'}, '--set x.words=["a", 1]: input should be a valid string'),
        ({"rates": "a"}, "--set x.rates=a: input should be a valid dictionary, as a JSON object"),
        (
            {"wait": "never"},
            "--set x.wait=never: input should be 'last' or 'half', or a valid integer",
        ),
        (
            {"wait": "0"},
            "--set x.wait=0: input should be 'last' or 'half', or greater than or equal to 1",
        ),
        (
            {"hints": "a"},
            "--set x.hints=a: input should be 'known', or a valid tuple, as JSON, such as [\"a\"]",
        ),
        (
            {"hints": "[1]"},
            "--set x.hints=[1]: input should be 'known', or a valid string",
        ),
        (
            {"inner.sampling.stop": "a"},
            '--set x.inner.sampling.stop=a: input should be a valid tuple, as JSON, such as ["a"]',
        ),
        ({"sure": "maybe"}, "--set x.sure=maybe: input should be a valid boolean"),
        (
            {"inner.sampling.temperature": "-1"},
            "--set x.inner.sampling.temperature=-1: input should be greater than or equal to 0",
        ),
        ({"least": "9"}, "--set x.least=9: from 9 to 3 is nothing"),
    ],
)
def test_what_an_option_does_not_take_is_told_in_one_line(
    options: Mapping[str, str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        configured(Outer(), options, place="--set x.")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_what_has_no_fields_has_no_options() -> None:
    with pytest.raises(UsageError, match=r"^size: there is no such option: there is none$"):
        configured(object(), {"size": "1"})


class Shape(Protocol):
    """Something that can be chosen by a name."""

    def area(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Square:
    side: int = 1
    sampling: Sampling = Sampling()

    def area(self) -> int:
        return self.side**2


@dataclass(frozen=True, kw_only=True)
class Framed:
    inner: Shape = Square()
    border: int = 1

    def area(self) -> int:
        return self.inner.area() + self.border


@dataclass(frozen=True, kw_only=True)
class Drawing:
    shape: Shape = Square(side=7)
    other: Shape | None = None
    title: str = ""


def shape_named(name: str, held: Any) -> Shape:
    shapes: dict[str, Shape] = {
        # Goes on from what was there.
        "square": Square(side=getattr(held, "side", 2)),
        "framed": Framed(),
    }
    if name not in shapes:
        raise UsageError(f"there is no shape {name!r}: choose from {', '.join(shapes)}")
    return shapes[name]


SHAPES = {Shape: shape_named}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"shape": "framed"}, Drawing(shape=Framed())),
        ({"other": "square"}, Drawing(other=Square(side=2))),
        ({"shape.side": "3"}, Drawing(shape=Square(side=3))),
        (
            {"shape": "framed", "shape.border": "3", "shape.inner.side": "4", "title": "a"},
            Drawing(shape=Framed(border=3, inner=Square(side=4)), title="a"),
        ),
        (
            {
                "shape": "framed",
                "shape.inner": "framed",
                "shape.inner.border": "5",
                "shape.inner.inner.sampling.seed": "6",
            },
            Drawing(shape=Framed(inner=Framed(border=5, inner=Square(sampling=Sampling(seed=6))))),
        ),
    ],
)
def test_a_name_chooses_what_a_field_holds_before_the_options_inside_of_it_in_any_order(
    options: Mapping[str, str], expected: Drawing
) -> None:
    for order in permutations(options.items()):
        assert configured(Drawing(), dict(order), named=SHAPES) == expected


def test_what_is_chosen_may_go_on_from_what_was_there() -> None:
    assert configured(Drawing(), {"shape": "square"}, named=SHAPES).shape == Square(side=7)


def test_fields_that_take_a_name_are_options_with_those_inside_of_what_they_hold() -> None:
    assert [name for name in option_names(Drawing(), SHAPES) if "sampling" not in name] == [
        "shape", "shape.side", "other", "title",
    ]  # fmt: skip
    assert "shape" not in list(option_names(Drawing()))
    held = configured(Drawing(), {"shape": "framed"}, named=SHAPES)
    assert {"shape.inner", "shape.inner.side", "shape.border"} <= set(option_names(held, SHAPES))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"shape": "circle"},
            "--set x.shape=circle: there is no shape 'circle': choose from square, framed",
        ),
        (
            {"shape": "framed", "shape.inner": "circle"},
            "--set x.shape.inner=circle: there is no shape 'circle': choose from square, framed",
        ),
        (
            {"shape": "framed", "shape.side": "3"},
            "--set x.shape.side: there is no such option: there is inner, inner.…, border",
        ),
        (
            {"other.side": "3"},
            "--set x.other.side: there is no such option: there is shape, shape.…, other, title",
        ),
        ({"title.a": "3"}, "--set x.title.a: there is no such option: there is shape"),
        (
            {"shape": "framed", "shape.border": "wide"},
            "--set x.shape.border=wide: input should be a valid integer",
        ),
    ],
)
def test_a_wrong_name_and_an_option_of_another_choice_are_told_with_their_place(
    options: Mapping[str, str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        configured(Drawing(), options, place="--set x.", named=SHAPES)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_without_names_an_interface_is_no_option() -> None:
    with pytest.raises(
        UsageError, match=r"^shape: it is set by what is inside of it: there is shape\.side, "
    ):
        configured(Drawing(), {"shape": "framed"})


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"shape.width": "3"}, "there is side, sampling.…; for another x.shape"),
        ({"other.side": "3"}, "other, title; for another x.other"),
    ],
)
def test_an_option_of_what_is_not_chosen_tells_what_else_can_be_chosen(
    options: Mapping[str, str], hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        configured(Drawing(), options, place="x.", named=SHAPES)
    assert str(caught.value).endswith(f"{hint}, choose from square, framed")


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"shape.border": "3"}, "there is side, sampling.…; x.shape=framed has it"),
        ({"shape.inner.side": "3"}, "there is side, sampling.…; x.shape=framed has it"),
        (
            {"shape": "framed", "shape.inner.border": "3"},
            "there is side, sampling.…; x.shape.inner=framed has it",
        ),
    ],
)
def test_an_option_of_another_choice_tells_which_has_it(
    options: Mapping[str, str], hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        configured(Drawing(), options, place="x.", named=SHAPES)
    assert str(caught.value).endswith(hint)


def test_where_nothing_can_be_chosen_no_choices_are_told() -> None:
    with pytest.raises(UsageError, match=r"sampling\.…$"):
        configured(Drawing(), {"shape.sampling.heat": "1"} | {"shape.heat": "1"})
    with pytest.raises(UsageError, match="heat: there is no such option") as caught:
        configured(Drawing(), {"shape.sampling.heat": "1"}, named=SHAPES)
    assert "choose from" not in str(caught.value)
