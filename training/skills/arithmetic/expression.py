"""Which operation of an expression is to be done next, and what is left then. Pure and exact."""

from __future__ import annotations

from evals.tasks.nested_operations import Operation


def innermost(operation: Operation) -> Operation:
    """The first whose operands are numbers: what stands before the first closing bracket.

    >>> from evals.tasks.nested_operations import joined
    >>> str(innermost(joined("*", joined("-", 13, 4), joined("+", 2, 3))))
    '13-4'
    """
    for operand in (operation.left, operation.right):
        if isinstance(operand, Operation):
            return innermost(operand)
    return operation


def simplified(operation: Operation) -> Operation | int:
    """With a number in the place of the innermost operation.

    >>> from evals.tasks.nested_operations import joined
    >>> str(simplified(joined("*", joined("-", 13, 4), joined("+", 2, 3))))
    '9*(2+3)'
    """
    left, right = operation.left, operation.right
    if isinstance(left, Operation):
        return Operation(operation.sign, simplified(left), right, operation.value)
    if isinstance(right, Operation):
        return Operation(operation.sign, left, simplified(right), operation.value)
    return operation.value
