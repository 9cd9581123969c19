from __future__ import annotations

from pathlib import Path

import pytest

from engines import CallLimiter
from tests import backends
from training.evaluation.part import Options

anyio_backend = backends.virtual_backend


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(out=tmp_path / "out", limiter=CallLimiter(4))
