"""The text of a message, whether it is given as one or in parts. Pure."""

from __future__ import annotations

from ..errors import InvalidRequest
from .told_values import told


def text_of(content: object, place: str) -> str:
    """The text of a content.

    Args:
        content: A text, or a list of parts that are texts; a refusal to answer is one.
        place: Where it stands, for messages.

    Raises:
        InvalidRequest: It is neither.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidRequest(f"{place} has to be a text, and is {told(content)}", place)
    return "".join(_part(part, f"{place}[{number}]", place) for number, part in enumerate(content))


def _part(part: object, part_place: str, place: str) -> str:
    match part:
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return text
        case {"type": "refusal", "refusal": str(text)}:
            return text
        case {"type": str(kind)}:
            said = f"is of {told(kind)}"
        case _:
            said = f"is {told(part)}"
    raise InvalidRequest(
        f"{part_place} has to be of type text with a text, and {said}: other kinds cannot be read",
        place,
    )
