from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, NoTokenIds, Role, Segment

ROLES: list[Role] = ["system", "user", "assistant"]

segments = st.builds(
    Segment,
    role=st.sampled_from(ROLES),
    text=st.text(max_size=5),
    token_ids=st.lists(st.integers(0, 99), max_size=5).map(tuple),
)
names = st.text("abc", min_size=1, max_size=3)
# A chain of nodes: each extends (no name) or forks (a name).
chains = st.lists(st.tuples(st.none() | names, segments), max_size=8)


def grow(root: Segment, chain: list[tuple[str | None, Segment]]) -> Context:
    context = Context(root, name="root")
    for name, segment in chain:
        context = context.extend(segment) if name is None else context.fork(name, segment)
    return context


@given(segments, chains)
def test_token_ids_are_those_of_the_segments_in_order(
    root: Segment, chain: list[tuple[str | None, Segment]]
) -> None:
    expected = [*(root.token_ids or ())]
    for _, segment in chain:
        expected += segment.token_ids or ()
    assert grow(root, chain).token_ids == tuple(expected)


@given(segments, chains)
def test_the_path_is_the_names_of_the_forks(
    root: Segment, chain: list[tuple[str | None, Segment]]
) -> None:
    expected = ["root", *(name for name, _ in chain if name is not None)]
    assert grow(root, chain).path == "/".join(expected)


@given(segments, chains, st.lists(names, unique=True))
def test_forks_share_their_parent_and_leave_it_as_it_was(
    root: Segment, chain: list[tuple[str | None, Segment]], branches: list[str]
) -> None:
    parent = grow(root, chain)
    before = parent.token_ids, parent.path, parent.turns
    forks = [parent.fork(name) for name in branches]
    assert all(fork.parent is parent for fork in forks)
    assert all(fork.token_ids == parent.token_ids for fork in forks)
    assert [fork.path for fork in forks] == [f"{parent.path}/{name}" for name in branches]
    assert (parent.token_ids, parent.path, parent.turns) == before


@given(segments, chains)
def test_turns_keep_all_text_and_no_two_neighbours_have_one_role(
    root: Segment, chain: list[tuple[str | None, Segment]]
) -> None:
    turns = grow(root, chain).turns
    assert "".join(turn.text for turn in turns) == root.text + "".join(s.text for _, s in chain)
    assert all(a.role != b.role for a, b in pairwise(turns))


def test_a_segment_of_the_same_role_goes_on_with_the_turn() -> None:
    context = Context(Segment("user", "Two plus two?", (1,)))
    context = context.fork("a", Segment("user", " Think.", (2,))).extend(Segment("assistant", "4"))
    assert context.turns == (Segment("user", "Two plus two? Think."), Segment("assistant", "4"))


def test_the_lineage_goes_from_the_root_to_the_node_itself() -> None:
    root = Context(Segment("user", "a", (1,)))
    child = root.extend(Segment("user", "b", (2,)))
    leaf = child.fork("x")
    assert leaf.lineage == (root, child, leaf)


def test_the_path_of_contexts_without_names_is_empty() -> None:
    assert Context(Segment("user", "a", (1,))).extend(Segment("user", "b", (2,))).path == ""


def test_contexts_are_told_apart_by_identity_not_by_content() -> None:
    segment = Segment("user", "same", (1,))
    assert Context(segment) != Context(segment)


def test_a_text_only_context_has_no_token_ids_and_says_where() -> None:
    context = Context(Segment("user", "hello"), name="root").fork("branch")
    assert not context.has_token_ids
    with pytest.raises(NoTokenIds, match="'root/branch'"):
        _ = context.token_ids


def test_one_text_only_ancestor_is_enough_to_have_no_token_ids() -> None:
    context = Context(Segment("user", "hello")).extend(Segment("assistant", "4", (4,)))
    with pytest.raises(NoTokenIds):
        _ = context.token_ids


def test_a_deep_chain_needs_no_recursion() -> None:
    context = Context(Segment("user", "a", (1,)))
    for _ in range(5_000):
        context = context.extend(Segment("user", "a", (1,)))
    assert len(context.token_ids) == 5_001


def test_a_digest_stands_for_names_roles_texts_and_ids() -> None:
    def made(
        name: str = "a", role: Role = "user", text: str = "x", ids: tuple[int, ...] | None = (1,)
    ) -> bytes:
        root = Context(Segment("system", "s", None if ids is None else (9,)), name="root")
        return root.fork(name, Segment(role, text, ids)).digest

    different = [
        made(), made(name="b"), made(role="assistant"), made(text="y"), made(ids=(1, 2)), made(ids=None)
    ]  # fmt: skip
    assert len(set(different)) == len(different)
    assert made() == made()
    assert len(made()) == 16


def test_the_digest_of_a_long_lineage_needs_no_recursion() -> None:
    context = Context(Segment("user", "x", (1,)))
    for _ in range(5000):
        context = context.extend(Segment("user", "x", (1,)))
    assert context.digest == context.digest
