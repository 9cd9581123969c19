from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import UsageError
from engines.wrappers.peers import HedgePolicy, PeerCall, Peers

DURATIONS = st.lists(st.floats(0, 1000), max_size=60)


def finish(peers: Peers, *durations: float, kind: str = "kind") -> None:
    for duration in durations:
        peers.leave(peers.enter(kind, 0, ignore), duration, finished=True)


def ignore(at: float) -> None:
    pass


@given(DURATIONS, st.floats(0.01, 1), st.integers(1, 20))
def test_a_quantile_is_the_smallest_duration_that_this_share_did_not_exceed(
    durations: list[float], quantile: float, window: int
) -> None:
    peers = Peers(HedgePolicy(quantile=quantile, least=1, window=window))
    finish(peers, *durations)
    known = sorted(durations[-window:])
    found = peers.quantile("kind")
    if not known:
        assert found == math.inf
        return
    assert sum(d <= found for d in known) >= quantile * len(known) - 1e-6
    assert sum(d < found for d in known) < quantile * len(known)
    assert peers.statistics().finished == len(known)


def test_95_of_100_are_the_95th() -> None:
    peers = Peers(HedgePolicy(window=100))
    finish(peers, *range(1, 101))
    assert peers.quantile("kind") == 95


class Alarms:
    """Calls that enter one second after another, and their alarms."""

    def __init__(self, peers: Peers, count: int) -> None:
        self.at = [math.inf] * count
        self.calls = [self._enter(peers, i) for i in range(count)]

    def _enter(self, peers: Peers, number: int) -> PeerCall:
        def set_alarm(at: float) -> None:
            self.at[number] = at

        return peers.enter("kind", number, set_alarm)


def test_only_the_oldest_has_an_alarm_and_the_next_one_after_it() -> None:
    peers = Peers(HedgePolicy(least=2, share=1))
    finish(peers, 2, 2)
    alarms = Alarms(peers, 3)
    assert alarms.at == [3, math.inf, math.inf]
    assert peers.take_second(alarms.calls[0], 3)
    assert alarms.at == [3, 4, math.inf]
    assert peers.statistics().hedged == 0
    peers.begin_second(alarms.calls[0])
    peers.leave(alarms.calls[1], 3.5, finished=False)
    assert alarms.at == [3, 4, 5]
    assert peers.statistics().hedged == 1


def test_beside_a_call_that_runs_twice_the_next_one_has_an_alarm() -> None:
    peers = Peers(HedgePolicy(least=2, share=1))
    finish(peers, 2, 2)
    hung = peers.enter("kind", 0, ignore)
    assert peers.take_second(hung, 3)
    assert Alarms(peers, 2).at == [3, math.inf]


def test_an_alarm_moves_as_the_peers_become_slower() -> None:
    peers = Peers(HedgePolicy(least=2, window=2))
    finish(peers, 2, 2)
    alarms = Alarms(peers, 1)
    finish(peers, 8, 8)
    assert alarms.at == [12]
    assert not peers.take_second(alarms.calls[0], 3)
    assert alarms.at == [12]


def test_where_many_run_whoever_leaves_is_the_alarm_of_the_oldest() -> None:
    peers = Peers(HedgePolicy(least=2, share=1))
    finish(peers, 4, 4)
    alarms = Alarms(peers, 20)
    peers.leave(alarms.calls[0], 2, finished=True)
    assert alarms.at[1] == math.inf
    peers.leave(alarms.calls[19], 9, finished=True)
    assert alarms.at[1] == 7


def test_where_too_many_are_late_the_alarm_waits_until_one_of_them_leaves() -> None:
    peers = Peers(HedgePolicy(least=2, share=0.2))
    finish(peers, *[2] * 8)
    # Of 8 peers and 3 calls a share of 0.2 are 2.
    alarms = Alarms(peers, 3)
    assert not peers.take_second(alarms.calls[0], 100)
    assert alarms.at[0] == math.inf
    peers.leave(alarms.calls[2], 100, finished=False)
    assert alarms.at[0] == 3
    assert peers.take_second(alarms.calls[0], 100)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3), st.booleans()), max_size=60),
    st.floats(0.05, 1),
)
def test_no_more_run_twice_than_the_share(
    steps: list[tuple[int, float, bool]], share: float
) -> None:
    policy = HedgePolicy(least=1, share=share, window=10)
    peers = Peers(policy)
    running: list[PeerCall] = []
    now = 0.0
    for index, elapsed, enters in steps:
        now += elapsed
        if enters or not running:
            running.append(peers.enter("kind", now, ignore))
        else:
            peers.leave(running.pop(index % len(running)), now, finished=True)
        for call in running:
            before = peers.statistics()
            if not call.taken and peers.take_second(call, now):
                assert peers.statistics() == before
                peers.begin_second(call)
                assert now >= call.started + policy.factor * peers.quantile("kind")
                after = peers.statistics()
                assert after.hedged == before.hedged + 1
                assert after.hedged <= max(1, share * (after.running + after.finished))
        assert peers.statistics().running == len(running)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantile": 0}, {"quantile": 1.1}, {"share": 0}, {"share": 2}, {"least": 0},
        {"least": 9, "window": 8}, {"factor": 0.5},
    ],
)  # fmt: skip
def test_a_policy_that_no_call_can_meet_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="HedgePolicy"):
        HedgePolicy(**wrong)  # type: ignore[arg-type]
