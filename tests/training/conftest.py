from typing import Any

import anyio
import pytest

from engines import embedded_model
from engines.errors import MissingExtra


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """The tokenizer of the embedded model; written to the cache first where it is not there."""
    transformers = pytest.importorskip("transformers")
    try:
        folder = anyio.run(embedded_model.prepare)
    except MissingExtra as error:
        pytest.skip(str(error))
    return transformers.AutoTokenizer.from_pretrained(folder)
