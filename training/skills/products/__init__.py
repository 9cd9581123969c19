"""Products: a thread for each digit of the second number, then the sum (the multiplication of ThreadWeaver).

prompt ─> outlines ─┬─> 234*7  ─┐
                    └─> 234*60 ─┴─> 1638+14040, column by column ─> 15678

Sums of products have a thread for each product, several questions in one a thread for each question.
"""

from .held_out import held_out_product
from .lessons import Arithmetic, chained, forked
from .settings import BARE_CHAIN, CHAIN, INVITED_PATHS, INVITED_THREADS, PATHS, THREADS
from .tasks import PRODUCTS, SEVERAL, SUMS
from .wording import TASK_INSTRUCTIONS

SKILL = Arithmetic()

__all__ = [
    "BARE_CHAIN",
    "CHAIN",
    "INVITED_PATHS",
    "INVITED_THREADS",
    "PATHS",
    "PRODUCTS",
    "SEVERAL",
    "SKILL",
    "SUMS",
    "TASK_INSTRUCTIONS",
    "THREADS",
    "Arithmetic",
    "chained",
    "forked",
    "held_out_product",
]
