"""Which texts say the same: average linkage over cosine distances, cut at a threshold (ETS, section 4.2). Pure.

Two clusters that are joined below the cut have two members nearer than the cut. So texts that are joined by no chain of
such pairs are apart at sight, equal texts are one point that counts as often as it occurs, and few are left to link.

It blocks. Importing SciPy, on first use, takes most of a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Pairs of ten thousand points, all at once, would take gigabytes.
_ROWS = 1024
# Multiplications in one product. For larger ones BLAS wakes a thread a core, and where the cores are busy, as they are
# with an engine beside, waiting for these takes ten times as long as the product.
_TILE = 2**17


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

    chains, degrees = _chains(vectors, threshold)
    labels = chains.copy()
    # Where all in a chain are near each other, it is one cluster.
    loose = degrees < np.bincount(chains)[chains]
    points = np.flatnonzero(np.isin(chains, chains[loose]))
    if len(points):
        distances = _distances(vectors[points], vectors[points])
        np.fill_diagonal(distances, 0.0)
        copies = np.repeat(np.arange(len(points)), np.take(counts, points))
        cut = _cut(distances[np.ix_(copies, copies)], threshold)
        labels[points[copies]] = len(vectors) + cut
    found: list[int] = labels.tolist()
    return found


def _chains(vectors: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The number of each point's chain, and to how many points it is near, itself included."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(vectors)
    chains = np.arange(count)
    degrees = np.zeros(count, dtype=int)
    for begin in range(0, count, _ROWS):
        block = np.arange(begin, min(begin + _ROWS, count))
        near = _distances(vectors[block], vectors) <= threshold
        near[np.arange(len(block)), block] = True
        degrees[block] = near.sum(axis=1)
        rows, columns = np.nonzero(near)
        # What was found before is kept as the way from each point to its chain, which has the number of a point.
        rows = np.concatenate([rows + begin, np.arange(count)])
        columns = np.concatenate([columns, chains])
        pairs = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
        _, labels = connected_components(pairs.tocsr(), directed=False)
        _, firsts = np.unique(labels, return_index=True)
        chains = firsts[labels]
    return chains, degrees


def _distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """From each of some to each of the others."""
    import numpy as np

    side = max(1, math.isqrt(_TILE // others.shape[1]))
    with np.errstate(invalid="ignore"):
        tiles = _tiled(some, side)[:, np.newaxis] @ _tiled(others, side).transpose(0, 2, 1)
    cosines = tiles.transpose(0, 2, 1, 3).reshape(-1, tiles.shape[1] * side)
    # What is no number is like nothing.
    distances = 1.0 - cosines[: len(some), : len(others)]
    known: np.ndarray = np.nan_to_num(distances, nan=2.0).clip(0.0, 2.0)
    return known


def _tiled(vectors: np.ndarray, side: int) -> np.ndarray:
    """Tiles of so many rows; what is missing in the last one is 0."""
    import numpy as np

    missing = -len(vectors) % side
    return np.pad(vectors, ((0, missing), (0, 0))).reshape(-1, side, vectors.shape[1])


def _cut(distances: np.ndarray, threshold: float) -> np.ndarray:
    """Labels from 0."""
    from scipy.cluster.hierarchy import average, fcluster
    from scipy.spatial.distance import squareform

    tree = average(squareform(distances, checks=False))
    labels: np.ndarray = fcluster(tree, threshold, criterion="distance") - 1
    return labels
