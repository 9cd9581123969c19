"""Workers of a collaboration are told apart by their names."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from engines import Collaboration


@pytest.mark.parametrize(
    ("workers", "told"),
    [
        (("A", "B", "A"), "'A' is the name of two workers: give each of them its own"),
        (("",), "a worker has no name: give each of them one"),
        (("A", " "), "a worker has no name: give each of them one"),
    ],
)
def test_names_that_tell_nobody_apart_are_refused(workers: tuple[str, ...], told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Collaboration(workers=workers)
    (wrong,) = raised.value.errors()
    assert wrong["msg"] == f"Value error, {told}"
