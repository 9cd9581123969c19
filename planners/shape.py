"""What an argument looks like, read from its JSON Schema; grammars, signatures and examples are made from it. Pure.

It knows less than the schema: of numbers whether they may be below 0 or 1, and no `maximum`, no `pattern`. Those are
checked when a plan comes in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote


@dataclass(frozen=True)
class Scalar:
    """A number, integer, boolean, null or string; `any` is what no form is known of.

    Attributes:
        kind: Which of these.
        least: Of a number, 0 or 1 where it may not be below.
    """

    kind: str
    least: int | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OneOf:
    """One of these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Either:
    """Of one of these shapes."""

    options: tuple[Shape, ...]


@dataclass(frozen=True)
class ListOf:
    """So many items of one shape."""

    item: Shape
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Items:
    """A list of exactly these."""

    items: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Members:
    """An object of exactly these members."""

    members: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class DictionaryOf:
    """So many values of one shape, each with a key."""

    key: Shape
    value: Shape
    least: int = 0
    most: int | None = None


Shape: TypeAlias = Scalar | OneOf | Either | ListOf | Items | Members | DictionaryOf

ANY = Scalar("any")
# Types that refer to each other in many ways would give more than a grammar should hold.
_MOST_PARTS = 400
_SCALARS = ("number", "integer", "boolean", "null", "string")


def shape_of(schema: Any, root: Mapping[str, Any]) -> Shape:
    """The shape of a parameter's schema, whose references lead into `root`.

    Where a shape would have no end, as in a tree, the way that ends is taken: an empty list, the other option.

    >>> shape_of({"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}]}, {"$defs": {"Colour": {"enum": ["red"]}}})
    Either(options=(OneOf(values=('red',)), Scalar(kind='null')))
    """
    return _Reader(root).shape(schema, ()) or ANY


class _Reader:
    """Reads shapes; None is one that cannot be expressed. `above` are the references that it stands in."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._parts_left = _MOST_PARTS

    def shape(self, schema: Any, above: tuple[str, ...]) -> Shape | None:
        self._parts_left -= 1
        if self._parts_left < 0:
            return None
        if not isinstance(schema, Mapping):
            return None if schema is False else ANY
        if "$ref" in schema:
            name = schema["$ref"]
            return None if name in above else self.shape(self._found(name), (*above, name))
        if "enum" in schema:
            return OneOf(tuple(schema["enum"])) if schema["enum"] else None
        if "const" in schema:
            return OneOf((schema["const"],))
        if options := _options(schema):
            return self._either(options, above)
        kind = schema.get("type")
        if kind == "array":
            return self._list(schema, above)
        if kind == "object":
            return self._object(schema, above)
        return Scalar(kind, _least(schema)) if kind in _SCALARS else ANY

    def _found(self, reference: str) -> Any:
        found: Any = self._root
        for part in unquote(reference).removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        return found

    def _either(self, options: Sequence[Any], above: tuple[str, ...]) -> Shape | None:
        shapes = [shape for option in options if (shape := self.shape(option, above))]
        return shapes[0] if len(shapes) == 1 else Either(tuple(shapes)) if shapes else None

    def _list(self, schema: Mapping[str, Any], above: tuple[str, ...]) -> Shape | None:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if most == 0:
            return Items()
        item = self.shape(schema.get("items", {}), above)
        if "prefixItems" in schema:
            items = [self.shape(one, above) for one in schema["prefixItems"][:most]]
            return _items([*items, *[item] * (least - len(items))])
        if item is None:
            return None if least else Items()
        return ListOf(item, least, most)

    def _object(self, schema: Mapping[str, Any], above: tuple[str, ...]) -> Shape | None:
        if schema.get("properties") or schema.get("required"):
            return self._members(schema, above)
        least, most = schema.get("minProperties", 0), schema.get("maxProperties")
        value = self.shape(schema.get("additionalProperties", {}), above)
        key = self.shape(schema.get("propertyNames", {"type": "string"}), above)
        if value is None or most == 0 or "patternProperties" in schema:
            return None if least else Members()
        return DictionaryOf(key if isinstance(key, OneOf) else Scalar("string"), value, least, most)

    def _members(self, schema: Mapping[str, Any], above: tuple[str, ...]) -> Shape | None:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        # With constants that have a default, since these tell the options of a union apart.
        names = [name for name in properties if name in required or _is_constant(properties[name])]
        names += [name for name in required if name not in properties]
        members = {name: self.shape(properties.get(name, {}), above) for name in names}
        known = {name: shape for name, shape in members.items() if shape is not None}
        return Members(known) if len(known) == len(members) else None


def _options(schema: Mapping[str, Any]) -> Sequence[Any]:
    """The schemas of which one or all have to hold, where that is one to choose."""
    options: Sequence[Any] = schema.get("anyOf") or schema.get("oneOf") or ()
    if not options and len(schema.get("allOf", ())) == 1:
        return list(schema["allOf"])
    if not options and isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    # A text would seldom match its pattern.
    return [option for option in options if not _has_pattern(option)] or options


def _is_constant(schema: Any) -> bool:
    return isinstance(schema, Mapping) and "const" in schema


def _least(schema: Mapping[str, Any]) -> int | None:
    above, least = schema.get("exclusiveMinimum"), schema.get("minimum")
    if isinstance(above, int | float) and above >= 0:
        return 1 if schema["type"] == "integer" else 0
    if isinstance(least, int | float) and least >= 0:
        return int(least > 0)
    return None


def _has_pattern(schema: Any) -> bool:
    return isinstance(schema, Mapping) and "pattern" in schema


def _items(items: Sequence[Shape | None]) -> Shape | None:
    known = tuple(item for item in items if item is not None)
    return Items(known) if len(known) == len(items) else None
