from __future__ import annotations

import pytest

from planners import Argument, PlanSyntaxError, Reference, Template
from planners.language.step_reader import read_step

ONE, TWO = Reference(node="1"), Reference(node="2")


def argument(written: str) -> Argument:
    step = read_step(f"1. search({written})", 1)
    (value,) = step.positional
    return value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-2", -2),
        ("+3", 3),
        ("1.5", 1.5),
        ("2.", 2.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("007", 7),
        ("true", True),
        ("True", True),
        ("false", False),
        ("null", None),
        ("None", None),
        ("[]", []),
        ("[1, 2, ]", [1, 2]),
        ("{}", {}),
        ('{"a": [1, {"b": $1}]}', {"a": [1, {"b": ONE}]}),
        ('""', ""),
        ("''", ""),
        ('"a\'b"', "a'b"),
        ("'a\"b'", 'a"b'),
        (r'"a\"b"', 'a"b'),
        (r"'a\'b'", "a'b"),
        (r'"a\\"', "a\\"),
        (r'"a\nb\tc\rd"', "a\nb\tc\rd"),
        (r'"\(x\)"', "(x)"),
        (r'"\u00e9\uD83D\uDE00\u12"', "é😀u12"),
        (r'"\ud83d!"', "\ufffd!"),
        ('"1. add(1, 2)\njoin()\n"', "1. add(1, 2)\njoin()\n"),
        ('"# 1 (b"', "# 1 (b"),
    ],
)
def test_literals(written: str, value: Argument) -> None:
    found = argument(written)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$1", ONE),
        ("${1}", ONE),
        ("$1.title", Reference(node="1", field="title")),
        ("${1.title}", Reference(node="1", field="title")),
        ("${1.0}", Reference(node="1", field="0")),
        ('"$1"', ONE),
        ('"see $2"', Template(parts=("see ", TWO))),
        ('"${1.title}s"', Template(parts=(Reference(node="1", field="title"), "s"))),
        ('"$1."', Template(parts=(ONE, "."))),
        ('"$1.5"', Template(parts=(ONE, ".5"))),
        ('"$1$2"', Template(parts=(ONE, TWO))),
        # All digits belong to it: no prefix is another reference (B9).
        ("$12", Reference(node="12")),
        ('"$12"', Reference(node="12")),
        ('"${1}2"', Template(parts=(ONE, "2"))),
        ('"$123456789"', Reference(node="123456789")),
        ('"$1234567890"', "$1234567890"),
        # A dollar sign that is no reference (B4).
        ('"$$"', "$"),
        ('"$$1"', "$1"),
        ('"$$$1"', Template(parts=("$", ONE))),
        ('"$$$$1"', "$$1"),
        ('"$${1}"', "${1}"),
        ('"under $$1 thousand, $ 5 or $x"', "under $1 thousand, $ 5 or $x"),
        ('"$"', "$"),
        ('"$name and ${HOME} and $.5"', "$name and ${HOME} and $.5"),
        ('"${1"', "${1"),
        ('"${1.}"', "${1.}"),
        ('"$\u0661"', "$\u0661"),
        ('{"$1": 2}', None),
    ],
)
def test_references_and_dollar_signs(written: str, value: Argument) -> None:
    if value is None:
        with pytest.raises(PlanSyntaxError, match='expected "key": value'):
            argument(written)
    else:
        assert argument(written) == value


def test_names_of_arguments_that_are_no_plain_words_stand_in_quotes() -> None:
    step = read_step('1. f(1, a=2, "b-c" = "d", "e$$"=$1) # done', 1)
    assert step.positional == [1]
    assert step.keywords == {"a": 2, "b-c": "d", "e$": ONE}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("1 2", "expected , or )"),
        ("[1 2]", "expected , or ]"),
        ("$1.a.b", "expected , or )"),
        ("${HOME}", "expected a number, a text in quotes"),
        ("$1234567890", "expected a number, a text in quotes"),
        ("one", "expected a number, a text in quotes"),
        (", 2", "expected a number, a text in quotes"),
        ("a=", "expected a number, a text in quotes"),
        ("a==1", "expected a number, a text in quotes"),
        ("$$", "expected a number, a text in quotes"),
        ("a=1, 2", "a positional argument after a keyword argument"),
        ("a=1, a=2", "argument 'a' is given twice"),
        ('a=1, "a"=2', "argument 'a' is given twice"),
        ('{"a"}', 'expected "key": value'),
        ("{1: 2}", 'expected "key": value'),
        ("9" * 5000, "a number is too long: 300 digits are the most"),
        ("1e999", "a number is too large"),
        ("1) 2. add(3", "unexpected text after the step"),
    ],
)
def test_an_error_says_what_was_expected_and_shows_the_place(written: str, problem: str) -> None:
    with pytest.raises(PlanSyntaxError) as caught:
        read_step(f"1. add({written})", 7)
    message = str(caught.value)
    assert message.startswith(f"plan line 7: {problem}")
    assert message.endswith(f" in {read_back(f'1. add({written})')}")


def read_back(text: str) -> str:
    """As a message shows a text."""
    whole = repr(text)
    return whole if len(whole) <= 80 else f"{whole[:38]}...{whole[-39:]}"


def test_an_error_in_an_argument_of_several_lines_is_at_its_own_line() -> None:
    with pytest.raises(PlanSyntaxError, match=r"^plan line 5: expected , or \), at 'oops\)'"):
        read_step('1. search("one\ntwo",\n 3 oops)', 3)
