"""Entities of a picture, each with the number of the change that it was last part of. Pure.

Who has seen change 17 asks for what came after it, and gets the entities that are new or other since. None is ever
taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Entity = dict[str, Any]
"""JSON data with a `version`."""


class Changes:
    """Numbers the changes of a picture.

    Attributes:
        number: Of the last change; 0 before the first.
    """

    def __init__(self) -> None:
        self.number = 0

    def begin(self) -> None:
        """What is touched from here on belongs to a new change."""
        self.number += 1


class Shelf:
    """Entities of one kind by their ids, in the order in which they came.

    Args:
        changes: Numbers the changes; several shelves share it.

    >>> changes = Changes()
    >>> shelf = Shelf(changes)
    >>> for name in ("a", "b"):
    ...     changes.begin()
    ...     _ = shelf.add(name, {"id": name})
    >>> shelf.since(1)
    [{'id': 'b', 'version': 2}]
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._places: dict[Any, int] = {}
        self._entities: list[Entity] = []
        # By their last change, the newest at the end.
        self._by_change: dict[Any, None] = {}

    def __contains__(self, id: Any) -> bool:
        return id in self._places

    def __getitem__(self, id: Any) -> Entity:
        return self._entities[self._places[id]]

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._entities)

    def __len__(self) -> int:
        return len(self._entities)

    def get(self, id: Any) -> Entity | None:
        """The entity of this id, if there is one."""
        place = self._places.get(id)
        return None if place is None else self._entities[place]

    def add(self, id: Any, entity: Entity) -> Entity:
        """Puts a new entity behind the others."""
        self._places[id] = len(self._entities)
        self._entities.append(entity)
        self._touch(id, entity)
        return entity

    def change(self, id: Any, **fields: Any) -> Entity:
        """Gives an entity these values; it is part of this change only if they are others than before."""
        entity = self[id]
        changed = False
        for name, value in fields.items():
            if entity.get(name) != value:
                entity[name] = value
                changed = True
        if changed:
            self._touch(id, entity)
        return entity

    def since(self, version: int) -> list[Entity]:
        """Copies of the entities of later changes, in the order in which they came."""
        if version <= 0:
            return [entity.copy() for entity in self._entities]
        places = []
        for id in reversed(self._by_change):
            if self[id]["version"] <= version:
                break
            places.append(self._places[id])
        return [self._entities[place].copy() for place in sorted(places)]

    def _touch(self, id: Any, entity: Entity) -> None:
        entity["version"] = self._changes.number
        self._by_change.pop(id, None)
        self._by_change[id] = None
