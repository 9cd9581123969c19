from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.routing_model import (
    AffineWithLoad,
    PrefixHash,
    RoundRobin,
    Routing,
    Workload,
    simulate,
)
from engines import Context, Segment
from engines.replicas.prefix_memory import PrefixMemory, prefixes_of
from engines.replicas.router import Placement, Router, RoutingPolicy

POLICY = RoutingPolicy()


def prompt(name: str, tokens: int = 1000) -> Context:
    return Context(Segment("user", name, (1,) * tokens), name=name)


def branch(context: Context, name: str, tokens: int = 10) -> Context:
    return context.fork(name, Segment("user", "", (2,) * tokens))


def test_prefixes_are_the_nodes_that_add_tokens_the_longest_first() -> None:
    root = prompt("root", 100)
    leaf = branch(root.fork("empty"), "leaf")
    assert [prefix.tokens for prefix in prefixes_of(leaf)] == [110, 100]
    assert prefixes_of(root.fork("empty")) == prefixes_of(root)


def test_the_length_of_a_text_is_estimated() -> None:
    root = Context(Segment("user", "abcdefgh"))
    assert [p.tokens for p in prefixes_of(root.extend(Segment("assistant", "x")))] == [3, 2]


def test_a_full_memory_forgets_what_was_not_used_and_of_that_the_longest_first() -> None:
    memory = PrefixMemory(3)
    used, unused = prompt("used"), branch(prompt("unused"), "branch")
    memory.remember(prefixes_of(used))
    memory.remember(prefixes_of(unused))
    memory.remember(prefixes_of(used))
    memory.remember(prefixes_of(prompt("new")))
    assert len(memory) == 3
    assert memory.tokens_of(prefixes_of(used)) == 1000
    assert memory.tokens_of(prefixes_of(unused)) == 1000
    memory.remember(prefixes_of(prompt("newer")))
    assert memory.tokens_of(prefixes_of(unused)) == 0


def test_forks_of_a_prompt_go_where_it_went() -> None:
    router = Router(4, POLICY)
    root = prompt("root")
    first = router.place(root, 50, range(4))
    for i in range(20):
        placement = router.place(branch(root, f"{i}"), 50, range(4))
        assert placement.replica == first.replica
        assert placement.cached_tokens == 1000
        assert placement.load == 10 + 50
        router.release(placement)


def test_what_was_generated_counts_as_cached() -> None:
    router = Router(4, POLICY)
    root = prompt("root", 20)
    placement = router.place(root, 50, range(4))
    answer = root.extend(Segment("assistant", "long", (3,) * 5000))
    router.remember(placement.replica, answer)
    following = router.place(branch(answer, "and"), 50, range(4))
    assert (following.replica, following.cached_tokens) == (placement.replica, 5020)


def test_a_prefix_yields_to_load() -> None:
    router = Router(3, POLICY)
    root = prompt("root", 1000)
    placements = [router.place(branch(root, f"{i}"), 500, range(3)) for i in range(60)]
    served = [sum(p.replica == r for p in placements) for r in range(3)]
    assert min(served) >= 10
    # Its own replica still takes the most, and only the first call of each computes the prompt.
    assert sum(p.cached_tokens == 0 for p in placements) == 3


def test_prompts_without_a_common_prefix_go_to_the_least_loaded() -> None:
    router = Router(3, POLICY)
    loads: Sequence[int] = ()
    for i in range(30):
        router.place(prompt(f"{i}"), 100, range(3))
        loads = router.loads
    assert max(loads) == min(loads)


def test_long_calls_are_spread() -> None:
    router = Router(2, POLICY)
    root = prompt("root", 100)
    long = [router.place(branch(root, f"long-{i}"), 4000, range(2)).replica for i in range(2)]
    assert sorted(long) == [0, 1]


def test_a_replica_that_lost_its_cache_draws_nothing() -> None:
    router = Router(2, POLICY)
    root = prompt("root")
    placement = router.place(root, 10, range(2))
    router.forget(placement.replica)
    router.place(prompt("other", 10), 10, [placement.replica])
    assert router.place(branch(root, "b"), 10, range(2)).replica != placement.replica


names = st.lists(st.text(max_size=8), min_size=1, max_size=40, unique=True)


@given(names=names, replicas=st.integers(2, 6), data=st.data())
def test_the_removal_of_an_idle_replica_moves_only_its_share(
    names: list[str], replicas: int, data: st.DataObject
) -> None:
    removed = data.draw(st.integers(0, replicas - 1))
    left = [r for r in range(replicas) if r != removed]
    for name in names:
        before = Router(replicas, POLICY).place(prompt(name), 10, range(replicas)).replica
        after = Router(replicas, POLICY).place(prompt(name), 10, left).replica
        assert after != removed
        assert before in (removed, after)


def test_it_keeps_the_hits_that_hashing_loses() -> None:
    """Twelve long prompts on four replicas that have room for three each."""
    workload = Workload(problems=12, prompt_tokens=10_000, rounds=10, forks=2)
    ways: list[Routing] = [AffineWithLoad(4), PrefixHash(4), RoundRobin(4)]
    affine, hashed, in_turn = (
        simulate(workload, way, replicas=4, kv_tokens=38_000, seed=1) for way in ways
    )
    assert affine.hit_rate > 0.9 > hashed.hit_rate > in_turn.hit_rate
    assert affine.imbalance < 1.2 < hashed.imbalance
    assert affine.seconds < 0.6 * hashed.seconds


def test_idle_replicas_share_prompts_about_evenly() -> None:
    homes = [Router(4, POLICY).place(prompt(f"{i}"), 1, range(4)).replica for i in range(400)]
    assert all(60 < homes.count(replica) < 140 for replica in range(4))


calls = st.tuples(
    st.integers(0, 5),  # the prompt
    st.integers(1, 3000),  # tokens expected
    st.integers(0, 8),  # calls that end before it
)


@given(st.lists(calls, max_size=120), st.integers(1, 5), st.floats(1, 2), st.floats(0.1, 4))
def test_no_replica_gets_a_call_that_carries_more_than_its_share_and_its_prefix_is_worth(
    calls: list[tuple[int, int, int]], replicas: int, fair_share: float, load_weight: float
) -> None:
    policy = RoutingPolicy(fair_share=fair_share, load_weight=load_weight)
    router = Router(replicas, policy)
    roots = [prompt(f"{i}", 100 * 4**i) for i in range(6)]
    flying: list[Placement] = []
    for number, (root, expected, ended) in enumerate(calls):
        for _ in range(min(ended, len(flying))):
            router.release(flying.pop(0))
        before = router.loads
        placement = router.place(branch(roots[root], f"{number}"), expected, range(replicas))
        flying.append(placement)
        mean = sum(before) / replicas
        bound = fair_share * mean + placement.cached_tokens / load_weight
        assert before[placement.replica] <= bound + 1e-6
    for placement in flying:
        router.release(placement)
    assert set(router.loads) == {0}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 500)), max_size=40))
def test_the_same_calls_are_placed_the_same_way(calls: list[tuple[int, int]]) -> None:
    def placed() -> list[int]:
        router = Router(3, POLICY)
        return [
            router.place(branch(prompt(f"{root}"), f"{i}"), expected, range(3)).replica
            for i, (root, expected) in enumerate(calls)
        ]

    assert placed() == placed()
