from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engines import BudgetExhausted, Usage
from orchestrator.budget import Account, Limits, Prices
from orchestrator.budget.waiting_line import Grant, Request, WaitingLine


class Calls:
    """Calls that ask a line for budget, by name."""

    def __init__(self, limits: Limits) -> None:
        self.root = Account(limits)
        self.line = WaitingLine()
        self.woken: list[str] = []
        self.requests: dict[str, Request] = {}

    def ask(
        self,
        name: str,
        tokens: int,
        *,
        prompt: int = 0,
        path: str = "",
        prices: Prices | None = None,
        at: float = 0,
    ) -> None:
        request = Request(
            account=self.root.beneath(path),
            place=name,
            prompt=prompt,
            tokens=tokens,
            prices=prices,
            wake=lambda: self.woken.append(name),
        )
        self.requests[name] = request
        self.line.ask(request, at)

    def end(self, name: str, usage: Usage, *, money: Decimal = Decimal(0), at: float = 0) -> None:
        grant = self.granted(name)
        account = grant.reservation.account
        account.commit(grant.reservation, usage, money)
        self.line.settle(account, at)

    def leave(self, name: str) -> None:
        self.line.leave(self.requests[name], 0)

    def granted(self, name: str) -> Grant:
        verdict = self.requests[name].verdict
        assert isinstance(verdict, Grant), (name, verdict)
        return verdict

    def refused(self, name: str) -> BudgetExhausted:
        verdict = self.requests[name].verdict
        assert isinstance(verdict, BudgetExhausted), (name, verdict)
        return verdict

    def waits(self, *names: str) -> bool:
        return all(self.requests[name].verdict is None for name in names)


def generated(tokens: int) -> Usage:
    return Usage(generated_tokens=tokens)


def test_a_call_that_fits_is_granted_at_once() -> None:
    calls = Calls(Limits(tokens=100))
    calls.ask("a", 60, prompt=40)
    assert calls.granted("a").tokens == 60
    assert calls.granted("a").clamped_by is None
    assert calls.woken == []


def test_what_others_give_back_goes_to_the_one_that_came_first() -> None:
    calls = Calls(Limits(tokens=100))
    calls.ask("a", 100)
    for name in ("b", "c", "d"):
        calls.ask(name, 30)
    assert calls.waits("b", "c", "d")
    assert len(calls.line) == 3
    calls.end("a", generated(35))
    assert calls.woken == ["b", "c"]
    assert calls.waits("d")
    calls.end("b", generated(30))
    assert calls.waits("d")
    calls.end("c", generated(5))
    assert calls.granted("d").tokens == 30
    assert len(calls.line) == 0


def test_who_would_fit_waits_behind_who_came_before() -> None:
    calls = Calls(Limits(tokens=100))
    calls.ask("a", 80)
    calls.ask("large", 50)
    calls.ask("small", 10)
    assert calls.waits("large", "small")
    calls.leave("large")
    assert calls.granted("small").tokens == 10


def test_when_nothing_can_come_back_the_first_gets_what_is_left_and_the_next_nothing() -> None:
    calls = Calls(Limits(tokens=100))
    calls.ask("a", 70)
    calls.ask("b", 50, prompt=10)
    calls.ask("c", 50, prompt=10)
    calls.end("a", generated(70))
    assert calls.granted("b").tokens == 20
    assert calls.granted("b").clamped_by == "tokens"
    assert calls.waits("c")
    calls.end("b", Usage(prompt_tokens=10, generated_tokens=20))
    error = calls.refused("c")
    assert (error.what, error.used, error.limit, error.place) == ("tokens", 100, 100, "c")
    assert calls.woken == ["b", "c"]


def test_one_token_after_the_prompt_is_enough_and_none_is_not() -> None:
    calls = Calls(Limits(tokens=100))
    calls.ask("a", 50, prompt=99)
    assert calls.granted("a").tokens == 1
    calls = Calls(Limits(tokens=100))
    calls.ask("b", 50, prompt=100)
    assert calls.refused("b").what == "tokens"


def test_a_prompt_that_can_never_fit_is_refused_while_others_run() -> None:
    calls = Calls(Limits(tokens=100))
    calls.ask("a", 50)
    calls.ask("b", 1, prompt=100)
    assert calls.refused("b").used == 50


def test_calls_are_not_given_back_so_nobody_waits_for_them() -> None:
    calls = Calls(Limits(calls=1))
    calls.ask("a", 10)
    calls.ask("b", 10)
    assert calls.refused("b").what == "calls"


def test_a_small_account_holds_up_only_its_own_calls() -> None:
    calls = Calls(Limits(tokens=1000))
    calls.root.child("small", Limits(tokens=50))
    calls.ask("a", 50, path="small")
    calls.ask("b", 50, path="small")
    calls.ask("c", 500, path="large")
    assert calls.waits("b")
    assert calls.granted("c").tokens == 500
    calls.end("a", generated(20))
    assert calls.granted("b").tokens == 30


def test_who_waits_at_the_root_goes_on_to_wait_at_its_own_account() -> None:
    calls = Calls(Limits(tokens=100))
    calls.root.child("small", Limits(tokens=60))
    calls.ask("a", 40, path="small")
    calls.ask("b", 60)
    calls.ask("c", 50, path="small")
    calls.ask("d", 10)
    assert calls.waits("c", "d")
    calls.end("b", generated(10))
    # The root has room for c now, its own account has not: d need not wait for that.
    assert calls.waits("c")
    assert calls.granted("d").tokens == 10
    calls.end("a", generated(40))
    assert calls.granted("c").tokens == 20


def test_who_moves_to_another_line_keeps_its_turn() -> None:
    calls = Calls(Limits(tokens=100))
    calls.root.child("small", Limits(tokens=50))
    calls.ask("a", 50, path="small")
    calls.ask("first", 50, path="small")
    calls.ask("b", 50)
    calls.ask("second", 50)
    assert calls.waits("first", "second")
    calls.end("a", generated(0))
    assert calls.granted("first").tokens == 50
    assert calls.waits("second")


def test_who_came_later_does_not_overtake_who_moved_to_another_line() -> None:
    calls = Calls(Limits(tokens=100))
    calls.root.child("small", Limits(tokens=50))
    calls.ask("a", 40, path="small")
    calls.ask("first", 45, path="small")
    calls.ask("second", 5, path="small")
    calls.ask("b", 60)
    calls.end("a", generated(0))
    # Their account has room for both now; for the first of them the root has not.
    assert calls.waits("first", "second")
    calls.end("b", generated(0))
    assert calls.woken == ["first", "second"]


def test_a_limit_on_money_clamps_too() -> None:
    prices = Prices(prompt=1_000_000, generated=2_000_000)
    calls = Calls(Limits(money=Decimal(20)))
    calls.ask("a", 4, prompt=5, prices=prices)
    calls.ask("b", 4, prompt=2, prices=prices)
    assert calls.waits("b")
    calls.end("a", Usage(), money=Decimal(13))
    assert calls.granted("b").tokens == 2
    assert calls.granted("b").clamped_by == "money"


def test_where_generating_is_free_money_only_pays_prompts() -> None:
    prices = Prices(prompt=1_000_000, generated=0)
    calls = Calls(Limits(money=Decimal(20)))
    calls.ask("a", 1000, prompt=15, prices=prices)
    calls.ask("b", 1000, prompt=10, prices=prices)
    assert calls.waits("b")
    calls.end("a", Usage(), money=Decimal(10))
    assert calls.granted("b").tokens == 1000
    calls.ask("c", 1000, prompt=25, prices=prices)
    assert calls.refused("c").what == "money"


def test_after_the_end_those_that_wait_are_refused() -> None:
    calls = Calls(Limits(tokens=10, seconds=60))
    calls.ask("a", 10)
    calls.ask("b", 10)
    calls.end("a", generated(0), at=60)
    error = calls.refused("b")
    assert (error.what, error.used, error.limit) == ("seconds", 60, 60)


def test_who_left_is_not_served() -> None:
    calls = Calls(Limits(tokens=10))
    for name in ("a", "b", "c", "d"):
        calls.ask(name, 10)
    calls.leave("c")
    calls.leave("b")
    assert len(calls.line) == 1
    calls.end("a", generated(0))
    assert calls.woken == ["d"]
    calls.leave("d")
    assert len(calls.line) == 0


_PATHS = ["", "a", "b", "a/x"]


@given(
    limits=st.tuples(*[st.none() | st.integers(1, 120)] * 4),
    wants=st.lists(
        st.tuples(st.sampled_from(_PATHS), st.integers(0, 40), st.integers(1, 60)),
        min_size=1,
        max_size=12,
    ),
    data=st.data(),
)
def test_nobody_waits_for_ever_nothing_is_overspent_and_nobody_overtakes(
    limits: tuple[int | None, ...], wants: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    calls = Calls(Limits())
    for path, limit in zip(_PATHS, limits, strict=True):
        calls.root.beneath(path).limits = None if limit is None else Limits(tokens=limit)
    accounts = [calls.root.beneath(path) for path in _PATHS]
    ended: set[str] = set()

    def end_one() -> None:
        running = [n for n, r in calls.requests.items() if isinstance(r.verdict, Grant)]
        running = [name for name in running if name not in ended]
        # Those that wait do so only while calls run that may give something back.
        assert running
        name = data.draw(st.sampled_from(running))
        most = calls.granted(name).reservation.amount.tokens
        ended.add(name)
        calls.end(name, generated(data.draw(st.integers(0, most))))

    for number, (path, prompt, tokens) in enumerate(wants):
        calls.ask(str(number), tokens, prompt=prompt, path=path)
        if data.draw(st.booleans()) and len(calls.line):
            end_one()
        for account in accounts:
            if account.limits is not None and account.limits.tokens is not None:
                assert account.used("tokens") <= account.limits.tokens
    while len(calls.line):
        end_one()
    assert all(request.verdict is not None for request in calls.requests.values())
    for account in accounts:
        # Of those that are alike, whoever came first was served first.
        order = [n for n in calls.woken if calls.requests[n].account is account]
        assert order == sorted(order, key=int)
