"""A tool server without any library, which lies, dies and keeps silent as it is told: `raw_server.py SETTINGS`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What it does.

    Attributes:
        tools: Listed as they are.
        results: Answers to calls, by the tool's name.
        answers: Whole answers to methods; None is silence.
        copies: How often each tool is listed, with a number after its name.
        page: How many tools are listed at once.
        first: Written to stdout before anything else.
        deaf: Whether it goes on after its input has ended and SIGTERM has come.
        dies_in: The method, or the tool, in which it dies.
        ends_after: The method after whose answer it ends.
        log: Where its process id goes, and the method of every message.
    """

    tools: list[Any] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    copies: int = 0
    page: int = 10_000
    first: str = ""
    deaf: bool = False
    dies_in: str = ""
    ends_after: str = ""
    log: str | None = None

    def command(self) -> list[str]:
        return [sys.executable, "-I", "-S", __file__, json.dumps(asdict(self))]

    def answer(self, method: str, parameters: dict[str, Any]) -> Any:
        """The answer to a message, without its id."""
        if method in self.answers:
            return self.answers[method]
        if method == "initialize":
            about = {"name": "raw", "version": "1"}
            return {
                "result": {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {}},
                    "serverInfo": about,
                }
            }
        if method == "tools/list":
            start = int(parameters.get("cursor", 0))
            end = start + self.page
            tools = self.tools
            if self.copies:
                tools = [
                    {**t, "name": f"{t['name']}{i}"} for t in tools for i in range(self.copies)
                ]
            more = {"nextCursor": str(end)} if end < len(tools) else {}
            return {"result": {"tools": tools[start:end], **more}}
        if method == "tools/call":
            return self.results[parameters["name"]]
        return {"error": {"code": -32601, "message": f"there is no {method}"}}

    def note(self, text: str) -> None:
        if self.log is not None:
            with open(self.log, "a") as log:
                log.write(f"{text}\n")


def main(settings: Settings) -> None:
    settings.note(str(os.getpid()))
    if settings.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.write(settings.first)
    sys.stdout.flush()
    for line in sys.stdin:
        message = json.loads(line)
        settings.note(message["method"])
        if settings.dies_in in (message["method"], message.get("params", {}).get("name")):
            sys.exit("Traceback (most recent call last):\nKeyError: 'no \x1b[31mkey'")
        answered = settings.answer(message["method"], message.get("params", {}))
        if "id" in message and answered is not None:
            shown = {"jsonrpc": "2.0", "id": message["id"], **answered}
            sys.stdout.write(f"{json.dumps(shown)}\n")
            sys.stdout.flush()
        if message["method"] == settings.ends_after:
            return
    while settings.deaf:
        time.sleep(1)


def log_of(path: Path) -> list[str]:
    """The lines of a server's log: its process id, again after every start, and the methods of messages."""
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    main(Settings(**json.loads(sys.argv[1])))
