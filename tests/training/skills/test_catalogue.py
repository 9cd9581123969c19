from __future__ import annotations

import pytest

from training.skills.catalogue import SKILLS


def test_shares_add_up() -> None:
    assert sum(taught.share for taught in SKILLS.values()) == pytest.approx(1)
