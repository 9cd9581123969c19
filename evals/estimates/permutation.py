"""Whether differences of pairs could be chance: a permutation test. It knows a number for each pair.

If two systems are the same, every difference is as likely with the other sign (Fisher 1935). So the sum of the
differences is set beside the sums under other signs: all of them where these are few, else some, drawn with a seed.
"""

from __future__ import annotations

from collections.abc import Sequence

# With so many differences that are not 0, all signs are tried: 65,536.
_FEW = 16
_DRAWS = 20_000
_AT_ONCE = 2**21
_SEED = 20_210_707
# Sums that differ by less differ by rounding.
_ROUNDING = 1e-9


def sign_flip_p(differences: Sequence[float]) -> float:
    """How likely a mean at least as far from 0 is, were the signs chance: two-sided.

    Where signs are drawn, the ones found count as a draw too, so that the value is never too small (Phipson and Smyth
    2010).

    >>> sign_flip_p([1.0, 1.0, 1.0, 1.0, 0.0])
    0.125
    """
    import numpy as np

    # Those that are 0 stay so, and the order of problems must not matter.
    sizes = np.sort(np.abs([difference for difference in differences if difference]))
    if not len(sizes):
        return 1.0
    found = abs(float(np.sum(differences))) - _ROUNDING * float(sizes.sum())
    if len(sizes) <= _FEW:
        numbers = np.arange(2 ** len(sizes))[:, np.newaxis]
        signs = numbers >> np.arange(len(sizes)) & 1
        return float(np.mean(np.abs((2 * signs - 1) @ sizes) >= found))
    random, rows = np.random.default_rng(_SEED), max(1, _AT_ONCE // len(sizes))
    extreme = 0
    for begin in range(0, _DRAWS, rows):
        signs = random.integers(0, 2, (min(rows, _DRAWS - begin), len(sizes)), dtype=np.int8)
        extreme += int(np.sum(np.abs(2 * (signs @ sizes) - sizes.sum()) >= found))
    return (extreme + 1) / (_DRAWS + 1)
