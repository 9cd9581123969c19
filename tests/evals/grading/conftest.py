from __future__ import annotations

from tests import backends

anyio_backend = backends.virtual_backend
