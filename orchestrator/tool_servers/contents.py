"""What a tool of a server answered, as JSON data. Pure.

Pictures, sound and files have no place in a plan's text: it is said what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..errors import ToolError

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock

# What servers made with the official SDK put a result in that is no object.
_WRAPPER = "result"
_LONGEST_LINE = 1_000


def data_of(result: CallToolResult, schema: Mapping[str, Any] | None, name: str) -> Any:
    """The structured content, or else the text.

    Args:
        result: What the server answered.
        schema: Of structured content, as the server told it.
        name: The tool's, for messages.

    Raises:
        ToolError: The tool says that it failed.
    """
    text = "\n".join(_as_text(block) for block in result.content)
    if result.is_error:
        raise ToolError(f"{name} failed: {one_line(text) or 'it does not say why'}")
    data = result.structured_content
    if data is None:
        return text
    return data[_WRAPPER] if _is_wrapped(data, schema) else data


def one_line(text: str) -> str:
    """The text, or its beginning, without line breaks and runs of space."""
    return " ".join(text.split())[:_LONGEST_LINE]


def problem(error: BaseException) -> str:
    """What is wrong, in a line: pydantic and jsonschema write paragraphs."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return one_line(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    return one_line(f"{type(error).__name__}: {error}")


def _is_wrapped(data: Any, schema: Mapping[str, Any] | None) -> bool:
    declared = (schema or {}).get("properties")
    return (
        isinstance(data, dict)
        and isinstance(declared, dict)
        and list(declared) == list(data) == [_WRAPPER]
    )


def _as_text(block: ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return _binary(block.mime_type, block.data)
        case "resource_link":
            return str(block.uri)
        case "resource":
            resource = block.resource
            if hasattr(resource, "text"):
                return resource.text
            return _binary(resource.mime_type or "binary", resource.blob, f" at {resource.uri}")


def _binary(kind: str, encoded: str, place: str = "") -> str:
    """Base64 is no text that a model can read.

    >>> _binary("image/png", "iVBORw0K")
    '[image/png, 6 bytes, left out]'
    """
    size = len(encoded) * 3 // 4 - encoded[-2:].count("=")
    return f"[{kind}{place}, {size:,} bytes, left out]"
