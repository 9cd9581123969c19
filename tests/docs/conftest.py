from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docs.gateway import running_gateway


@pytest.fixture(scope="session")
def gateway() -> Iterator[str]:
    """The address of a gateway over a stand-in engine."""
    with running_gateway() as address:
        yield address
