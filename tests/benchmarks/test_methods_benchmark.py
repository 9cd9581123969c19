"""`benchmarks.methods`: which methods it measures."""

from __future__ import annotations

from benchmarks.methods import names_for
from engines import FakeEngine
from reasoning import METHODS


def test_what_an_engine_cannot_do_is_left_out() -> None:
    assert names_for(FakeEngine()) == list(METHODS)
    assert set(METHODS) - set(names_for(FakeEngine(text_only=True))) == {"hogwild"}
