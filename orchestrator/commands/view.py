"""`forkjoin view`: look at a run in the browser, also while it goes on."""

from __future__ import annotations

import argparse

from engines import UsageError


class ViewCommand:
    """A stub."""

    summary = "look at a run in the browser, also while it goes on"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Does nothing yet."""
        raise UsageError("not there yet")


command = ViewCommand()
