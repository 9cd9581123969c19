from __future__ import annotations

from types import MethodType

import anyio
import pytest

from engines import FakeEngine
from orchestrator import Agent, Tool, ToolDefinitionError, tool
from orchestrator.tools.definition import tools_by_name


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


def test_two_tools_of_one_name_are_refused() -> None:
    def f(a: int) -> None: ...

    with pytest.raises(ToolDefinitionError, match=r"two tools are called 'f': rename one"):
        Agent(FakeEngine(), tools=[f, tool(name="f")(max_of)])


def max_of(numbers: list[float]) -> float:
    return max(numbers)


def test_the_same_tool_twice_is_one_tool() -> None:
    made = tool(max_of)
    assert tools_by_name([made, made]) == {"max_of": made}


def test_a_tool_is_a_frozen_record() -> None:
    made = tool(max_of)
    assert isinstance(made, Tool)
    with pytest.raises(AttributeError):
        made.timeout = 1  # type: ignore[misc]


# Methods


class Shop:
    """Whose methods are tools."""

    prices = {"tea": 2.5}  # noqa: RUF012  # of the class, for its methods

    def __init__(self, discount: float = 0.0) -> None:
        self.discount = discount

    @tool
    async def price(self, item: str) -> float:
        """Tells a price."""
        return self.prices[item] - self.discount

    @tool(name="in-stock", pure=True)
    def has(self, item: str) -> bool:
        return item in self.prices

    def plain(self, item: str, count: int = 1) -> float:
        return count * self.prices[item]

    @classmethod
    @tool
    def items(cls) -> list[str]:
        return list(cls.prices)

    @tool
    @classmethod
    def dearest(cls, most: float) -> list[str]:
        return [item for item, price in cls.prices.items() if price <= most]

    @staticmethod
    @tool
    def vat(price: float) -> float:
        return price * 0.2

    @tool
    @staticmethod
    def total(prices: list[float]) -> float:
        return sum(prices)

    def clone(self, by: Shop) -> Shop:
        return by


def test_a_method_of_an_object_is_its_tool() -> None:
    shop, outlet = Shop(), Shop(discount=1)
    assert isinstance(shop.price, Tool)
    assert shop.price.specification.signature == "price(item: string)"
    assert anyio.run(shop.price.call, {"item": "tea"}) == 2.5
    assert anyio.run(outlet.price.call, {"item": "tea"}) == 1.5
    assert shop.has.specification.name == "in-stock"
    assert shop.has.specification.pure
    assert anyio.run(shop.has.call, {"item": "tea"}) is True


def test_a_method_that_is_a_tool_can_still_be_called() -> None:
    shop = Shop()
    assert shop.has("tea")
    assert Shop.has(shop, "tea")

    async def price() -> float:
        return float(await shop.price("tea"))

    assert anyio.run(price) == 2.5


def test_class_and_static_methods_are_tools_in_either_order() -> None:
    for owner in (Shop, Shop()):
        assert anyio.run(owner.items.call, {}) == ["tea"]
        assert anyio.run(owner.dearest.call, {"most": 3}) == ["tea"]
        assert anyio.run(owner.vat.call, {"price": 10}) == 2
        assert anyio.run(owner.total.call, {"prices": [1, 2]}) == 3
    assert Shop.dearest.specification.required == ("most",)


def test_what_a_later_python_makes_of_a_class_method_is_a_tool() -> None:
    # Since 3.13 @classmethod binds what it is given without asking it.
    inner = vars(Shop)["items"].__func__
    (made,) = tools_by_name([MethodType(inner, Shop)]).values()
    assert anyio.run(made.call, {}) == ["tea"]


@pytest.mark.parametrize("method", [Shop.price, Shop.plain], ids=["tool", "plain"])
def test_a_method_without_an_object_says_so(method: Tool) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        Agent(FakeEngine(), tools=[method])
    assert "Shop.p" in str(caught.value)
    assert "a method without an object: give that of one, as in shop.price" in str(caught.value)


def test_methods_of_two_objects_need_two_names() -> None:
    shop, outlet = Shop(), Shop(discount=1)
    assert list(tools_by_name([shop.price, shop.price])) == ["price"]
    with pytest.raises(ToolDefinitionError, match=r"two tools are called 'price': .*\.renamed"):
        tools_by_name([shop.price, outlet.price])
    named = tools_by_name([shop.price, outlet.price.renamed("outlet-price")])
    assert anyio.run(named["outlet-price"].call, {"item": "tea"}) == 1.5


def test_a_tool_that_a_class_only_has_is_no_method_of_it() -> None:
    class Holder:
        held = tool(max_of)

    assert Holder().held is Holder.held
    assert Holder.held([1, 2]) == 2


def test_a_pure_tool_cannot_need_approval() -> None:
    with pytest.raises(ToolDefinitionError, match="tool 'max_of': pure tools change nothing"):
        tool(pure=True, approval=True)(max_of)
