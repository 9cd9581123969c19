"""`forkjoin serve`: serve methods and plans as an OpenAI-compatible API."""

from __future__ import annotations

import argparse

from engines import UsageError


class ServeCommand:
    """A stub."""

    summary = "serve methods and plans as an OpenAI-compatible API"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Does nothing yet."""
        raise UsageError("not there yet")


command = ServeCommand()
