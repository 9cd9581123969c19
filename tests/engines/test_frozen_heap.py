"""What libraries loaded is out of the garbage collector's sight while an engine is open."""

from __future__ import annotations

import gc
import weakref

import pytest

from engines import Engine
from engines.frozen_heap import freeze_heap, thaw_heap


class Circle:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


def test_it_is_left_alone_until_the_last_engine_is_closed() -> None:
    circle = Circle()
    alive = weakref.ref(circle)
    freeze_heap()
    freeze_heap()
    del circle
    thaw_heap()
    gc.collect()
    assert alive() is not None
    frozen = gc.get_freeze_count()
    thaw_heap()
    # Where the tests' own engine is open, it stays as it is.
    if gc.get_freeze_count() < frozen:
        gc.collect()
        assert alive() is None


@pytest.mark.real_vllm
def test_vllm_is_frozen_while_it_is_open(vllm_engine: Engine) -> None:
    assert gc.get_freeze_count() > 100_000
