"""All situations."""

from __future__ import annotations

from .ages import AGES
from .averages import AVERAGES
from .boxes import BOXES
from .buying import BUYING
from .by_the_month import BY_THE_MONTH
from .chains_of_people import CHAINS_OF_PEOPLE
from .changing import CHANGING
from .comparing import COMPARING
from .comparing_prices import COMPARING_PRICES
from .converting import CONVERTING
from .daily_life import DAILY_LIFE
from .days_compared import DAYS_COMPARED
from .earning import EARNING
from .fractions_of import FRACTIONS_OF
from .getting_on_and_off import GETTING_ON_AND_OFF
from .grouping import GROUPING
from .habits import HABITS
from .halves_and_thirds import HALVES_AND_THIRDS
from .hourly_pay import HOURLY_PAY
from .kinds_of_boxes import KINDS_OF_BOXES
from .measuring import MEASURING
from .months_and_years import MONTHS_AND_YEARS
from .packing import PACKING
from .parts_of_a_sum import PARTS_OF_A_SUM
from .paying import PAYING
from .percents_of import PERCENTS_OF
from .prices import PRICES
from .rates import RATES
from .ratios import RATIOS
from .recipes import RECIPES
from .rectangles import RECTANGLES
from .sharing import SHARING
from .shops_and_loads import SHOPS_AND_LOADS
from .single_percents import SINGLE_PERCENTS
from .travelling import TRAVELLING
from .unknown_prices import UNKNOWN_PRICES
from .unknowns import UNKNOWNS
from .ways_to_go import WAYS_TO_GO
from .working import WORKING

SITUATIONS = (
    *BOXES,
    *KINDS_OF_BOXES,
    *CHANGING,
    *GETTING_ON_AND_OFF,
    *GROUPING,
    *BUYING,
    *PRICES,
    *EARNING,
    *PAYING,
    *SINGLE_PERCENTS,
    *TRAVELLING,
    *WAYS_TO_GO,
    *WORKING,
    *HABITS,
    *HOURLY_PAY,
    *MEASURING,
    *RECTANGLES,
    *COMPARING,
    *COMPARING_PRICES,
    *AGES,
    *AVERAGES,
    *DAYS_COMPARED,
    *SHARING,
    *PACKING,
    *HALVES_AND_THIRDS,
    *FRACTIONS_OF,
    *PERCENTS_OF,
    *RATIOS,
    *UNKNOWNS,
    *PARTS_OF_A_SUM,
    *UNKNOWN_PRICES,
    *CONVERTING,
    *BY_THE_MONTH,
    *RATES,
    *RECIPES,
    *CHAINS_OF_PEOPLE,
    *DAILY_LIFE,
    *SHOPS_AND_LOADS,
    *MONTHS_AND_YEARS,
)
