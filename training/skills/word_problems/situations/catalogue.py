"""All situations."""

from __future__ import annotations

from .averages import AVERAGES
from .boxes import BOXES
from .buying import BUYING
from .changing import CHANGING
from .comparing import COMPARING
from .earning import EARNING
from .grouping import GROUPING
from .measuring import MEASURING
from .packing import PACKING
from .paying import PAYING
from .sharing import SHARING
from .travelling import TRAVELLING
from .working import WORKING

SITUATIONS = (
    *BOXES,
    *CHANGING,
    *GROUPING,
    *BUYING,
    *EARNING,
    *PAYING,
    *TRAVELLING,
    *WORKING,
    *MEASURING,
    *COMPARING,
    *AVERAGES,
    *SHARING,
    *PACKING,
)
