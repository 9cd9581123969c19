from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engines import Usage
from orchestrator.budget import Account, Amount, Limits, Reservation, Shortage, Spent

TOKEN = Decimal("0.00000015")


def reserved(account: Account, amount: Amount) -> Reservation:
    reservation = account.reserve(amount)
    assert isinstance(reservation, Reservation)
    return reservation


def short(account: Account, amount: Amount, at: float = 0) -> list[Shortage]:
    shortages = account.reserve(amount, at=at)
    assert isinstance(shortages, list)
    return shortages


def test_a_child_is_the_same_each_time_it_is_asked_for() -> None:
    root = Account()
    child = root.child("work").child("1", Limits(calls=2))
    assert root.child("work").child("1") is child is root.beneath("work/1")
    assert child.path == "work/1"
    assert child.limits == Limits(calls=2)
    assert root.beneath("") is root


def test_a_name_with_a_slash_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="'a/b' has a slash"):
        Account().child("a/b")


def test_what_an_unlisted_account_spends_counts_above_it_and_is_told_as_its_parents() -> None:
    root = Account(Limits(calls=3))
    parent = root.child("samples")
    first, second = parent.unlisted(), parent.unlisted()
    first.child("a").book(Usage(generated_tokens=5), calls=2)
    assert (first.spent.calls, second.spent.calls, parent.spent.calls, root.spent.calls) == (
        2,
        0,
        2,
        2,
    )
    assert (first.path, first.child("a").path) == ("samples", "samples/a")
    assert short(second, Amount(calls=2))[0].account is root


def test_what_is_spent_counts_at_every_node_up_to_the_root() -> None:
    root = Account()
    for name in ("a", "b", "a"):
        child = root.child(name)
        usage = Usage(prompt_tokens=3, cached_tokens=1, generated_tokens=2)
        child.commit(reserved(child, Amount(calls=1)), usage, money=TOKEN)
    assert root.of("a") == Spent(
        usage=Usage(prompt_tokens=6, cached_tokens=2, generated_tokens=4), calls=2, money=2 * TOKEN
    )
    assert root.spent.calls == 3
    assert root.spent.tokens == 15
    assert root.of("nobody") == Spent()


def test_what_one_call_does_not_know_the_sum_does_not_know() -> None:
    root = Account()
    root.book(Usage(prompt_tokens=3, cached_tokens=None))
    root.book(Usage(prompt_tokens=3, cached_tokens=2, lower_bound=True))
    assert root.spent.usage == Usage(prompt_tokens=6, cached_tokens=None, lower_bound=True)


def test_the_rest_of_a_reservation_comes_back_to_every_node() -> None:
    root = Account(Limits(tokens=100))
    work = root.child("work", Limits(tokens=90))
    call = reserved(work.child("1"), Amount(tokens=80))
    assert (root.reserved.tokens, work.reserved.tokens) == (80, 80)
    call.account.commit(call, Usage(prompt_tokens=10, generated_tokens=5))
    assert (root.reserved.tokens, work.reserved.tokens) == (0, 0)
    reserved(work, Amount(tokens=75))
    reserved(root, Amount(tokens=10))
    assert short(root, Amount(tokens=1))


def test_what_is_short_is_named_with_what_there_is_and_what_may_come_back() -> None:
    root = Account(Limits(tokens=100, calls=2, money=Decimal(1)))
    reserved(root, Amount(tokens=70, calls=2, money=Decimal("0.8")))
    shortages = short(root.child("a"), Amount(tokens=40, calls=1, money=Decimal("0.5")))
    assert [(s.what, s.available, s.refundable) for s in shortages] == [
        ("tokens", 30, 70),
        # A call that was begun is not given back.
        ("calls", 0, 0),
        ("money", Decimal("0.2"), Decimal("0.8")),
    ]
    assert {s.account for s in shortages} == {root}


def test_what_is_missing_at_the_root_comes_first() -> None:
    root = Account(Limits(tokens=100))
    child = root.child("a", Limits(tokens=50))
    assert [s.account for s in short(child, Amount(tokens=101))] == [root, child]
    assert [s.account for s in short(child, Amount(tokens=100))] == [child]


def test_after_the_end_nothing_is_promised() -> None:
    root = Account(Limits(seconds=60))
    work = root.child("work", Limits(seconds=54))
    assert work.child("1").deadline == 54
    assert root.deadline == 60
    reserved(work, Amount(calls=1))
    assert [s.what for s in short(work, Amount(calls=1), at=54)] == ["seconds"]
    assert isinstance(root.reserve(Amount(calls=1), at=54), Reservation)


def test_a_call_that_costs_more_than_was_thought_counts_in_full() -> None:
    root = Account(Limits(tokens=100))
    root.commit(reserved(root, Amount(tokens=10)), Usage(prompt_tokens=150))
    assert root.spent.tokens == 150
    assert short(root, Amount(tokens=1))[0].available == 0


def test_a_reservation_ends_once_and_where_it_was_made() -> None:
    root = Account(Limits(tokens=10))
    call = reserved(root, Amount(tokens=5))
    with pytest.raises(ValueError, match="nothing is reserved at 'a'"):
        root.child("a").commit(call, Usage())
    root.commit(call, Usage())
    with pytest.raises(ValueError, match="nothing is reserved"):
        root.release(call)


def test_limits_may_be_given_later_and_a_smaller_budget_on_resume() -> None:
    root = Account()
    root.beneath("work/1").book(Usage(generated_tokens=80), calls=3, money=TOKEN)
    work = root.child("work", Limits(tokens=50, calls=4))
    assert [s.what for s in short(work, Amount(tokens=1, calls=1))] == ["tokens"]
    reserved(work, Amount(calls=1))
    assert work.statistics().spent.calls == 3
    assert work.statistics().limits == Limits(tokens=50, calls=4)
    assert work.limited
    assert not root.limited


def test_no_limits_are_no_limits() -> None:
    assert not Account(Limits()).limited
    assert Account(Limits()).statistics().limits == Limits()


_PATHS = ("", "a", "b", "a/x", "a/y", "b/x")


class Tree(RuleBasedStateMachine):
    """Any interleaving of reservations and commits, none of which costs more than was reserved."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Account(Limits(tokens=200, calls=20, money=100 * TOKEN))
        self.root.child("a", Limits(tokens=90, money=30 * TOKEN))
        self.root.beneath("a/x").limits = Limits(tokens=40, calls=3)
        self.root.child("b", Limits(calls=9))
        self.open: list[Reservation] = []
        self.sums = dict.fromkeys(_PATHS, Spent())

    @rule(path=st.sampled_from(_PATHS), tokens=st.integers(0, 60), calls=st.integers(0, 2))
    def reserve(self, path: str, tokens: int, calls: int) -> None:
        account = self.root.beneath(path)
        before = [a.reserved for a in account.lineage]
        amount = Amount(tokens=tokens, calls=calls, money=tokens * TOKEN)
        answer = account.reserve(amount)
        if isinstance(answer, Reservation):
            self.open.append(answer)
        else:
            assert answer
            assert [a.reserved for a in account.lineage] == before
            for shortage in answer:
                assert 0 <= shortage.available < getattr(amount, shortage.what)
                assert shortage.refundable >= 0

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        call = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        prompt = data.draw(st.integers(0, call.amount.tokens))
        generated = data.draw(st.integers(0, call.amount.tokens - prompt))
        usage = Usage(prompt_tokens=prompt, generated_tokens=generated)
        money = (prompt + generated) * TOKEN
        before = [a.reserved.tokens for a in call.counted]
        call.account.commit(call, usage, money)
        after = [a.reserved.tokens for a in call.counted]
        assert [b - a for b, a in zip(before, after, strict=True)] == [call.amount.tokens] * len(
            after
        )
        for path in _PATHS:
            if self.root.beneath(path) in call.account.lineage:
                old = self.sums[path]
                self.sums[path] = Spent(
                    usage=old.usage + usage,
                    calls=old.calls + call.amount.calls,
                    money=old.money + money,
                )

    @precondition(lambda self: self.open)
    @rule()
    def release(self) -> None:
        call = self.open.pop()
        call.account.release(call)

    @invariant()
    def nothing_is_overspent_and_nothing_negative(self) -> None:
        for path in _PATHS:
            account = self.root.beneath(path)
            for what in ("tokens", "calls", "money"):
                limit = getattr(account.limits or Limits(), what)
                assert getattr(account.reserved, what) >= 0
                assert limit is None or account.used(what) <= limit

    @invariant()
    def every_sum_is_what_was_committed_beneath(self) -> None:
        for path in _PATHS:
            assert self.root.beneath(path).spent == self.sums[path]

    @invariant()
    def what_is_reserved_is_what_is_open(self) -> None:
        for path in _PATHS:
            account = self.root.beneath(path)
            amounts = [call.amount for call in self.open if account in call.counted]
            assert account.reserved == Amount(
                tokens=sum(a.tokens for a in amounts),
                calls=sum(a.calls for a in amounts),
                money=sum((a.money for a in amounts), Decimal(0)),
            )


TestTree = Tree.TestCase
TestTree.settings = settings(max_examples=40, deadline=None)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 100)), max_size=20))
def test_the_children_of_an_account_have_spent_what_it_has(calls: list[tuple[str, int]]) -> None:
    root = Account()
    for name, tokens in calls:
        root.child(name).book(Usage(generated_tokens=tokens), money=tokens * TOKEN)
    children = [root.of(name) for name in ("a", "b", "c")]
    assert root.spent.tokens == sum(child.tokens for child in children)
    assert root.spent.calls == sum(child.calls for child in children) == len(calls)
    assert root.spent.money == sum(child.money for child in children)
