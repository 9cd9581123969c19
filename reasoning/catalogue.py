"""The methods and reducers that can be named on a command line or in a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engines import Sampling

from .chain_of_thought import ChainOfThought
from .errors import UnknownName
from .method import Method
from .reducing.majority import Majority
from .reducing.reducer import First, Reducer
from .reducing.synthesis import Synthesise
from .self_consistency import SelfConsistency

METHODS: Mapping[str, Callable[[Sampling], Method]] = {
    "chain-of-thought": lambda sampling: ChainOfThought(sampling=sampling),
    "self-consistency": lambda sampling: SelfConsistency(method=ChainOfThought(sampling=sampling)),
}

REDUCERS: Mapping[str, Callable[[Sampling], Reducer]] = {
    "first": lambda sampling: First(),
    "majority": lambda sampling: Majority(),
    "synthesise": lambda sampling: Synthesise(sampling=sampling),
}


def method_named(name: str, sampling: Sampling) -> Method:
    """The method called `name`, sampling so.

    Raises:
        UnknownName: No method is called so.
    """
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    return METHODS[name](sampling)


def reducer_named(name: str, sampling: Sampling) -> Reducer:
    """The reducer called `name`, sampling so where it asks the model.

    Raises:
        UnknownName: No reducer is called so.
    """
    if name not in REDUCERS:
        raise UnknownName("reducer", name, REDUCERS)
    return REDUCERS[name](sampling)
