from __future__ import annotations

from pathlib import Path

import pytest

from engines import UsageError
from orchestrator.gateway.serving.keys import Keys, keys_of


def test_each_key_has_an_owner_of_its_own_that_does_not_tell_it() -> None:
    keys = Keys(["sk-first", "sk-second"])
    first, second = keys.owner(b"Bearer sk-first"), keys.owner(b"bearer  sk-second")
    assert first
    assert second
    assert first != second
    assert "first" not in first
    assert Keys(["sk-first"]).owner(b"Bearer sk-first") == first, "the same after a restart"


@pytest.mark.parametrize(
    "header", [None, b"", b"Bearer", b"Bearer ", b"Bearer sk-firs", b"Basic sk-first", b"sk-first", b"Bearer \xff"]
)  # fmt: skip
def test_whoever_has_no_key_is_nobody(header: bytes | None) -> None:
    assert Keys(["sk-first"]).owner(header) is None


def test_without_keys_everybody_is_the_same() -> None:
    assert Keys().owner(b"Bearer whatever") == Keys().owner(None) == ""


def test_keys_come_from_a_file_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# mine\n\nsk-first\n  sk-second  \n")
    keys = keys_of(str(file), {"FORKJOIN_API_KEY": "sk-third"})
    assert all(keys.owner(b"Bearer sk-" + name) for name in (b"first", b"second", b"third"))
    assert keys.owner(b"Bearer # mine") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# none\n",
        "sk-is-fine\nsecret with space\n",
        "sécret\n",
        "\x00secret\n",
        "s" * 600,
        "secret\n",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_without_telling_it(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "keys"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="--api-key-file") as caught:
        keys_of(str(file), {})
    assert "cret" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused_without_telling_it(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"secret\xff")
    for name in ("keys", "none", "."):
        with pytest.raises(UsageError, match="cannot be read") as caught:
            keys_of(str(tmp_path / name), {})
        assert "secret" not in str(caught.value)


def test_an_empty_key_in_the_environment_is_refused() -> None:
    with pytest.raises(UsageError, match="FORKJOIN_API_KEY"):
        keys_of(None, {"FORKJOIN_API_KEY": " "})
