"""Which texts say the same: average linkage over cosine distances, cut at a threshold (ETS, section 4.2). Pure.

Two clusters that are joined below the cut have two members nearer than the cut. So texts that are joined by no chain of
such pairs are apart at sight, equal texts are one point that counts as often as it occurs, and few are left to link.

It blocks. Importing SciPy, on first use, takes most of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def clusters_of(
    texts: Sequence[str], vectors: np.ndarray | None, threshold: float
) -> tuple[int, ...]:
    """The number of each text's cluster, in the order in which clusters first occur.

    Args:
        texts: In a fixed order; equal ones are in one cluster.
        vectors: What they mean, a row each of length 1; None joins equal texts only.
        threshold: The largest distance at which clusters are joined, from 0 (the same) to 2 (the opposite).
    """
    members: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        members.setdefault(text, []).append(number)
    if vectors is None or len(members) == 1:
        labels = list(range(len(members)))
    else:
        firsts = [numbers[0] for numbers in members.values()]
        labels = _linked(vectors[firsts], [len(found) for found in members.values()], threshold)
    found = [-1] * len(texts)
    for label, numbers in zip(labels, members.values(), strict=True):
        for number in numbers:
            found[number] = label
    names: dict[int, int] = {}
    return tuple(names.setdefault(label, len(names)) for label in found)


def _linked(vectors: np.ndarray, counts: Sequence[int], threshold: float) -> list[int]:
    """Labels of points that count so many times each."""
    import numpy as np
    from scipy.sparse import csr_array  # type: ignore[import-untyped]  # SciPy has no types
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]  # SciPy has no types

    # What is no number is like nothing.
    distances = np.clip(np.nan_to_num(1.0 - vectors @ vectors.T, nan=2.0), 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    near = distances <= threshold
    count, chains = connected_components(csr_array(near), directed=False)
    labels = chains.astype(int)
    # Where all in a chain are near each other, it is one cluster.
    loose = near.sum(axis=1) < np.bincount(chains)[chains]
    points = np.flatnonzero(np.isin(chains, chains[loose]))
    if len(points):
        copies = np.repeat(points, np.take(counts, points))
        labels[copies] = count + _cut(distances[np.ix_(copies, copies)], threshold)
    found: list[int] = labels.tolist()
    return found


def _cut(distances: np.ndarray, threshold: float) -> np.ndarray:
    """Labels from 0."""
    from scipy.cluster.hierarchy import average, fcluster  # type: ignore[import-untyped]  # SciPy has no types
    from scipy.spatial.distance import squareform  # type: ignore[import-untyped]  # SciPy has no types

    tree = average(squareform(distances, checks=False))
    labels: np.ndarray = fcluster(tree, threshold, criterion="distance") - 1
    return labels
