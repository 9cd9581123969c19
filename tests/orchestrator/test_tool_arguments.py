"""From the types of a function through the grammar to its call."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from orchestrator import tool
from planners import Call, Node, Plan, PlanParser, Vocabulary, check_plan, plan_grammar
from tests.planners.grammars import compiled, derived


class Unit(Enum):
    METRE = "m"
    FOOT = "ft"


class Street(BaseModel):
    name: str
    number: int | None = None


@dataclass
class Address:
    street: Street
    town: str
    floor: int = 0


class Order(BaseModel):
    to: list[Address] = Field(min_length=1, max_length=2)
    unit: Unit
    speed: Literal["fast", "slow"]


@tool
def ship(
    order: Order,
    weight: Annotated[float, Field(description="In kilograms.")],
    address: Address,
    unit: Unit | None,
    labels: dict[str, int],
    how: Literal["air", "sea"] | int,
) -> str:
    """Ships an order."""
    assert isinstance(order.to[0], Address)
    assert isinstance(order.to[0].street, Street)
    assert isinstance(order.unit, Unit)
    assert isinstance(address.street, Street)
    assert isinstance(unit, Unit | None)
    assert all(isinstance(count, int) for count in labels.values())
    assert how in ("air", "sea") or isinstance(how, int)
    return order.to[0].town


def test_models_dataclasses_and_enums_are_shown_to_planners() -> None:
    listing = ship.specification.listing
    assert "'m' | 'ft'" in listing
    assert "'fast' | 'slow'" in listing
    assert '"street": {"name": string}' in listing
    assert listing.endswith("Ships an order.\n    weight: In kilograms.")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_whatever_the_grammar_lets_a_model_write_can_be_called(seed: int) -> None:
    text = derived(ship_grammar(), random.Random(seed))
    calls = [node for node in parsed(text) if isinstance(node, Call)]
    for call in calls:
        if not call.dependencies:
            assert isinstance(anyio.run(ship.call, call.arguments), str)


SPECIFICATIONS = {"ship": ship.specification}


@functools.cache
def ship_grammar() -> Any:
    return compiled(plan_grammar(SPECIFICATIONS.values(), min_steps=2, max_steps=2))


def parsed(text: str) -> tuple[Node, ...]:
    parser = PlanParser(SPECIFICATIONS)
    plan = Plan(nodes=tuple(parser.feed(text) + parser.close()))
    check_plan(plan, Vocabulary(tools=SPECIFICATIONS, methods=[], reducers=[]))
    return plan.nodes


WRITTEN = (
    '1. ship({"to": [{"street": {"name": "Elm"}, "town": "Ulm"}], "unit": "ft", "speed": "slow"}, 2.5, '
    '{"street": {"name": "Oak", "number": 7}, "town": "Bonn", "floor": 2}, null, {"fragile": 1}, "air")\n'
)


def test_a_call_with_nested_arguments_is_read_checked_and_made() -> None:
    (call,) = parsed(WRITTEN)
    assert isinstance(call, Call)
    assert anyio.run(ship.call, call.arguments) == "Ulm"
