"""The methods that arithmetic is taught and measured with.

                  the model's own     invited, under a grammar
ThreadWeaver      THREADS             INVITED_THREADS
Multiverse        PATHS               INVITED_PATHS
one chain         CHAIN, BARE_CHAIN
"""

from __future__ import annotations

from engines import Sampling
from reasoning import ChainOfThought, ForkJoin
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER

# No prompt shows it: so much that no answer is cut.
_SAMPLING = Sampling(max_tokens=4096)

THREADS = ForkJoin(
    dialect=THREADWEAVER,
    invited=False,
    instruction="\n\nThink in parallel threads.",
    sampling=_SAMPLING,
)
"""ThreadWeaver's dialect as the model's own."""

PATHS = ForkJoin(
    dialect=MULTIVERSE,
    invited=False,
    instruction="\n\nThink in parallel paths.",
    sampling=_SAMPLING,
)
"""Multiverse's dialect as the model's own; blocks may stand in paths."""

INVITED_THREADS = ForkJoin(dialect=THREADWEAVER, sampling=_SAMPLING)
"""ThreadWeaver's dialect as any model is asked for it, under a grammar."""

INVITED_PATHS = ForkJoin(sampling=_SAMPLING)
"""Multiverse's dialect as any model is asked for it, under a grammar."""

CHAIN = ChainOfThought(sampling=_SAMPLING)
"""The same in one chain."""

BARE_CHAIN = ChainOfThought(instruction="", sampling=_SAMPLING)
"""One chain after a question that brings its own instruction, or none."""
