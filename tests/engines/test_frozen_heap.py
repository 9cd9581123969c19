"""What is there is out of the garbage collector's sight until it is thawed. In processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.meta.sources import ROOT

BEGIN = """
import gc, weakref
from engines.frozen_heap import FrozenHeap

class Cycle:
    def __init__(self):
        self.itself = self

def collected():
    gc.collect()
    return alive() is None

cycle = Cycle()
alive = weakref.ref(cycle)
"""
UNTIL_THE_LAST = """
first, second = FrozenHeap(), FrozenHeap()
del cycle
assert not collected()
first.thaw()
first.thaw()
assert not collected()
second.thaw()
assert collected()
"""
AGAIN = """
FrozenHeap().thaw()
again = FrozenHeap()
del cycle
assert not collected()
again.thaw()
assert collected()
"""
OWN = """
gc.freeze()
FrozenHeap().thaw()
del cycle
assert not collected()
"""


@pytest.mark.parametrize(
    "program",
    [UNTIL_THE_LAST, AGAIN, OWN],
    ids=["until the last", "again", "what was frozen before"],
)
def test_it_is_left_alone(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
