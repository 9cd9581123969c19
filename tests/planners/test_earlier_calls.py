from __future__ import annotations

from planners import Call, Reference, Template, Think
from planners.compiler.earlier_calls import asked, renamed


def test_true_is_not_one() -> None:
    one, true = (Call(id="1", tool="f", arguments={"a": value}) for value in (1, True))
    assert asked(one, {}) != asked(true, {})


def test_every_reference_gets_the_other_name() -> None:
    three = Reference(node="3", field="name")
    step = Think(id="5", prompt=Template(parts=("of ", three, Reference(node="2"))), after="3")
    assert renamed(step, {"3": "1"}) == Think(
        id="5",
        prompt=Template(parts=("of ", Reference(node="1", field="name"), Reference(node="2"))),
        after="1",
    )
