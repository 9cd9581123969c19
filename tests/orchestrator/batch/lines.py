"""Lines of batches for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def chat(name: str, text: str = "Why?", **body: Any) -> str:
    """A row in the batch format of OpenAI."""
    return json.dumps(
        {
            "custom_id": name,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"messages": [{"role": "user", "content": text}], **body},
        }
    )


def plain(name: str | int, prompt: str = "Why?", **fields: Any) -> str:
    """A plain row."""
    return json.dumps({"id": name, "prompt": prompt, **fields})


def read(path: Path) -> list[Any]:
    """The rows of a JSONL file; none where there is no file."""
    if not path.exists():
        return []
    # By newlines only: texts may hold what else ends a line.
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
