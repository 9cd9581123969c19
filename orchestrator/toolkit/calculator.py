"""A calculator for plans, which evaluates no code.

There is no tool here that runs Python: what a model writes would run with all the rights of this process.
"""

from __future__ import annotations

from fractions import Fraction

from ..errors import ToolError
from ..tools.definition import tool
from .expression import Expression, ExpressionError


@tool(pure=True)
def calculate(expression: str) -> int | float:
    """Computes an arithmetic expression such as 2 * (3 + 4) ** 2 / 7, exactly where it can.

    Args:
        expression: With + - * / // % ** ( ), numbers, pi, e, sqrt, abs, round, min, max, floor, ceil, log, ln, exp,
            sin, cos, tan and factorial. Angles are in radians.

    Raises:
        ToolError: It is no expression, has no result, or one of too many digits.

    >>> calculate("0.1 + 0.2"), calculate("2 ** 100 % 97")
    (0.3, 16)
    """
    try:
        value = Expression(expression).value()
        return float(value) if isinstance(value, Fraction) else value
    except OverflowError:
        raise ToolError("calculate: the result is too large for a number with decimals") from None
    except ExpressionError as error:
        raise ToolError(f"calculate: {error}") from None
