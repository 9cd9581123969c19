"""Products: one sequential chain beside fork and join in both dialects, on the same held-out problems.

products, sums of products, several questions in one ─> right, tokens, critical path, format, seconds for all
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from engines import Engine
from reasoning import Method

from ..skills import products
from .at_once import at_once
from .measuring import CHAIN, GREEDY, Asked, thinks
from .part import Options, Table
from .side_by_side import side_by_side

METHODS: Mapping[str, Method] = {
    "sequential": CHAIN,
    "ThreadWeaver": replace(products.THREADS, sampling=GREEDY),
    "Multiverse": replace(products.PATHS, sampling=GREEDY),
}
"""One chain, and the dialects as the model's own."""

_INVITED: Mapping[str, Method] = {
    "ThreadWeaver invited": replace(products.INVITED_THREADS, sampling=GREEDY),
    "Multiverse invited": replace(products.INVITED_PATHS, sampling=GREEDY),
}
_ASKED = {
    "products": Asked(task=products.PRODUCTS, problems=500),
    "sums": Asked(task=products.SUMS, problems=200),
    "several": Asked(task=products.SEVERAL, problems=200),
}


async def measure(engine: Engine, options: Options) -> Sequence[Table]:
    """Measures the model at hand; of single products also where it is invited to a dialect, under a grammar."""
    makers = []
    for part, asked in _ASKED.items():
        methods = {**METHODS, **_INVITED} if asked.task == products.PRODUCTS else METHODS
        systems = {name: thinks(method) for name, method in methods.items()}
        title = f"{asked.task.about}: one chain, fork and join"
        makers.append(
            partial(side_by_side, engine, options, systems, asked, part=part, title=title)
        )
    return await at_once(makers)
