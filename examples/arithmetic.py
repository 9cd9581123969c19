"""Tools in a module, for the command line: `forkjoin run --tools examples.arithmetic:TOOLS "What is 12 * 7 + 38?"`.

How an agent takes them from Python is in [quickstart.py](quickstart.py).
"""

from orchestrator import tool


@tool
def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


@tool
def subtract(a: float, b: float) -> float:
    """Subtracts the second number from the first."""
    return a - b


@tool
def multiply(a: float, b: float) -> float:
    """Multiplies two numbers."""
    return a * b


@tool
def divide(a: float, b: float) -> float:
    """Divides the first number by the second."""
    return a / b


TOOLS = [add, subtract, multiply, divide]
