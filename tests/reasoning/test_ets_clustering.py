from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from random import Random
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from reasoning.searching.pruning import clustering
from reasoning.searching.pruning.clustering import clusters_of


def directions(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def numbered(labels: Sequence[int]) -> tuple[int, ...]:
    names: dict[int, int] = {}
    return tuple(names.setdefault(label, len(names)) for label in labels)


def test_what_points_the_same_way_is_one_cluster_and_the_first_is_cluster_0() -> None:
    # The cosine of 18 degrees is 0.951.
    vectors = directions(90, 0, 95, 10, 200)
    assert clusters_of("abcde", vectors, 0.05) == (0, 1, 0, 1, 2)
    assert clusters_of("abcde", vectors, 1e-6) == (0, 1, 2, 3, 4)
    assert clusters_of("abcde", vectors, 2.0) == (0, 0, 0, 0, 0)


def test_a_chain_of_near_ones_is_not_one_cluster() -> None:
    # Each is near the next, but the ends are not, and it is the mean distance that counts.
    assert clusters_of("abcd", directions(0, 15, 30, 45), 0.05) == (0, 0, 1, 1)


def test_equal_texts_count_as_often_as_they_occur() -> None:
    # On average a is near enough to b and c, which are nearest; many copies of c pull the mean beyond the cut.
    vectors = directions(0, 12, 21)
    assert clusters_of("abc", vectors, 0.05) == (0, 0, 0)
    texts = "abc" + 9 * "c"
    assert clusters_of(texts, directions(0, 12, 21, *[21] * 9), 0.05) == (0, 1, 1, *[1] * 9)


def test_equal_texts_are_one_cluster_whatever_their_vectors_are() -> None:
    assert clusters_of(["x", "y", "x"], directions(0, 90, 180), 0.05) == (0, 1, 0)
    assert clusters_of(["x"] * 3, directions(0, 90, 180), 0.05) == (0, 0, 0)
    assert clusters_of(["", "", "a"], None, 0.05) == (0, 0, 1)


def test_what_is_no_vector_is_like_nothing() -> None:
    vectors = directions(0, 0, 0, 0)
    vectors[1] = np.nan
    vectors[3] = 0
    assert clusters_of("abcd", vectors, 0.05) == (0, 1, 0, 2)


@given(
    st.integers(0, 10**6),
    st.integers(2, 40),
    st.integers(1, 20),
    st.floats(0.01, 0.3),
    st.floats(0.01, 1.5),
    st.sampled_from([1, 7, 1024]),
)
def test_it_is_average_linkage_of_all_texts(
    seed: int, size: int, kinds: int, spread: float, threshold: float, rows: int
) -> None:
    random = np.random.default_rng(seed)
    distinct = random.normal(size=(kinds, 8)) + random.normal(size=8) / spread
    distinct /= np.linalg.norm(distinct, axis=1, keepdims=True)
    kind = random.integers(kinds, size=size)
    vectors = distinct[kind]
    expected = fcluster(linkage(vectors, "average", "cosine"), threshold, "distance")
    with patch.object(clustering, "_ROWS", rows), patch.object(clustering, "_TILE", 8 * rows):
        found = clusters_of([str(number) for number in kind], vectors, threshold)
    assert found == numbered(expected.tolist())


@given(st.lists(st.integers(0, 359), min_size=2, max_size=12, unique=True), st.integers(0, 10**6))
def test_the_order_does_not_change_who_is_together(degrees: list[int], seed: int) -> None:
    # Not in whole degrees, where distances are often equal and the first pair decides.
    angles = [angle + Random(angle).random() for angle in degrees]
    other = Random(seed).sample(range(len(angles)), len(angles))
    names = [str(angle) for angle in angles]
    found = clusters_of(names, directions(*angles), 0.05)
    shuffled = clusters_of([names[n] for n in other], directions(*[angles[n] for n in other]), 0.05)
    assert numbered([found[n] for n in other]) == shuffled


def test_not_all_pairs_are_held_at_once() -> None:
    count = 2000
    random = np.random.default_rng(0)
    vectors = random.normal(size=(count, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [str(number) for number in range(count)]
    clusters_of(texts[:9], vectors[:9], 0.05)
    tracemalloc.start()
    try:
        with patch.object(clustering, "_ROWS", 64):
            clusters_of(texts, vectors, 1e-4)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < count * count * vectors.itemsize / 2
