"""All situations."""

from __future__ import annotations

from .averages import AVERAGES
from .boxes import BOXES
from .buying import BUYING
from .chains_of_people import CHAINS_OF_PEOPLE
from .changing import CHANGING
from .comparing import COMPARING
from .converting import CONVERTING
from .daily_life import DAILY_LIFE
from .earning import EARNING
from .fractions_of import FRACTIONS_OF
from .grouping import GROUPING
from .measuring import MEASURING
from .months_and_years import MONTHS_AND_YEARS
from .packing import PACKING
from .paying import PAYING
from .rates import RATES
from .sharing import SHARING
from .travelling import TRAVELLING
from .unknowns import UNKNOWNS
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
    *FRACTIONS_OF,
    *UNKNOWNS,
    *CONVERTING,
    *RATES,
    *CHAINS_OF_PEOPLE,
    *DAILY_LIFE,
    *MONTHS_AND_YEARS,
)
