"""The budget of a run: one tree of tokens, calls, seconds and money, which no call overspends."""

from .account import Account, AccountStatistics, Reservation, Shortage
from .amounts import Amount, Limits, Spent, What
from .budget import Budget, Prices
from .budget_engine import BudgetEngine
from .deadline import DeadlineEngine
from .purse import Purse, PurseStatistics

__all__ = [
    "Account",
    "AccountStatistics",
    "Amount",
    "Budget",
    "BudgetEngine",
    "DeadlineEngine",
    "Limits",
    "Prices",
    "Purse",
    "PurseStatistics",
    "Reservation",
    "Shortage",
    "Spent",
    "What",
]
