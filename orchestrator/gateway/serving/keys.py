"""The keys of those who may ask. Only digests are kept, so that no key can get into logs, run folders or pages."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path

from engines import UsageError

VARIABLE = "FORKJOIN_API_KEY"
"""The environment variable that holds a key."""

_BEARER = b"bearer "
# Shorter ones can be guessed.
_SHORTEST = 8
_LONGEST = 512


class Keys:
    """The keys that are let in; without any, everybody is.

    Args:
        keys: The keys.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._digests = tuple(_digest(key.encode()) for key in dict.fromkeys(keys))

    def __bool__(self) -> bool:
        return bool(self._digests)

    def owner(self, authorization: bytes | None) -> str | None:
        """A name for the holder of the key in a request's header, which does not tell the key; None if it has none.

        It takes as long whichever key is right, and however much of a wrong one is.

        >>> keys = Keys(["first", "second"])
        >>> keys.owner(b"Bearer second") == keys.owner(b"bearer second"), keys.owner(b"Bearer third")
        (True, None)
        >>> Keys().owner(None)
        ''
        """
        if not self._digests:
            return ""
        if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
            return None
        given = _digest(authorization[len(_BEARER) :].strip())
        # Every one is looked at, so that the time tells nothing.
        found = [digest for digest in self._digests if hmac.compare_digest(digest, given)]
        return found[0] if found else None


def keys_of(file: str | None, environment: Mapping[str, str]) -> Keys:
    """The keys in a file, one a line, and the one in the environment; lines may be empty or begin with `#`.

    Raises:
        UsageError: The file cannot be read, or something in it cannot be a key.
    """
    keys = list(_read(file)) if file is not None else []
    if VARIABLE in environment:
        key = environment[VARIABLE].strip()
        _check(key, VARIABLE)
        keys.append(key)
    return Keys(keys)


def _read(file: str) -> Iterable[str]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--api-key-file {file}: it cannot be read: {_reason(error)}") from None
    keys: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key = line.strip()
        if key and not key.startswith("#"):
            _check(key, f"--api-key-file {file}: line {number}")
            keys[key] = None
    if not keys:
        raise UsageError(f"--api-key-file {file}: it has no key: write one a line")
    return keys


def _reason(error: OSError | UnicodeDecodeError) -> str:
    # What cannot be decoded may be a key.
    return str(error.strerror) if isinstance(error, OSError) else "it is no UTF-8 text"


def _check(key: str, place: str) -> None:
    is_long_enough = _SHORTEST <= len(key) <= _LONGEST
    if not is_long_enough or any(not "!" <= letter <= "~" for letter in key):
        raise UsageError(
            f"{place}: a key has {_SHORTEST} to {_LONGEST} letters, digits and signs of ASCII, without spaces: openssl "
            f"rand -hex 24 makes one"
        )


def _digest(key: bytes) -> str:
    return blake2b(key, digest_size=16, person=b"forkjoin owner").hexdigest()
