"""What a run works with: its budget, its calls and its tools. A run inside a node has them of the run around it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from engines import Usage

from .agent_settings import AgentSettings
from .budget import Account, Budget, Purse
from .calls import Calls
from .events import ApprovalAsked, ApprovalDecided, Event, EventBus
from .journal import Journal, JournaledTools
from .nesting import Outer
from .tools.approval import Approve
from .tools.toolbox import Aside, Toolbox


@dataclass(kw_only=True)
class Resources:
    """What a run works with.

    Attributes:
        settings: What the agent is made of.
        question: What is asked.
        bus: Takes the events.
        name: The run's name, for limits that runs share to be fair.
        journal: Keeps what is finished; None keeps nothing.
        repeat: Nodes whose tools are called again though they may not be repeated.
        live: Whether tokens are told while they come.
        dependencies: What tools get that ask for it.
        outer: What the run shares with the one that it is inside of; None if it is inside of none.
        depth: How many runs it is inside of.
    """

    settings: AgentSettings
    question: str
    bus: EventBus
    name: str = ""
    journal: Journal | None = None
    repeat: Collection[str] = ()
    live: bool = False
    dependencies: Any = None
    outer: Outer | None = None
    depth: int = 0

    def __post_init__(self) -> None:
        """Opens the budget, with what earlier processes have spent of it."""
        outer = self.outer
        if outer is None:
            self.purse = opened_purse(self.settings.budget, self.journal, self.seconds)
        else:
            self.name, self.journal, self.repeat = outer.owner, outer.journal, outer.repeat
            self.purse = outer.purse.inside(outer.account, self.settings.budget)
        self.calls = self._opened_calls()

    def _opened_calls(self) -> Calls:
        settings, outer = self.settings, self.outer
        if outer is not None:
            return outer.calls.inside(
                outer.node,
                settings.engine,
                policy=settings.calls,
                limiter=settings.limiter,
                peers=settings.peers,
                purse=self.purse,
            )
        return Calls(
            settings.engine,
            policy=settings.calls,
            limiter=settings.limiter,
            peers=settings.peers,
            purse=self.purse,
            journal=self.journal,
            bus=self.bus,
            owner=self.name,
            live=self.live,
        )

    def seconds(self) -> float:
        """How long the run has taken, what earlier processes took of it included."""
        if self.journal is None or self.outer is not None:
            return self.bus.seconds
        return self.journal.seconds

    def toolbox(self, aside: Aside) -> Toolbox:
        """The tools; `aside` awaits what needs no place among the nodes that run at once."""
        path = "" if self.outer is None else self.outer.path
        journal = self.journal
        return Toolbox(
            self.settings.tools,
            retry=self.settings.calls.retry,
            purse=self.purse,
            journal=None
            if journal is None
            else JournaledTools(journal, repeat=self.repeat, inside=path),
            owner=self.name,
            question=self.question,
            dependencies=self.dependencies,
            approve=self._approve,
            emit=self._tell,
            aside=aside,
            inside=path,
        )

    def around(self, node: str, account: Account) -> Outer:
        """What a run inside a node shares with this one."""
        return Outer(
            node=node,
            path=node if self.outer is None else f"{self.outer.path}/{node}",
            depth=self.depth + 1,
            account=account,
            purse=self.purse,
            calls=self.calls,
            journal=self.journal,
            repeat=self.repeat,
            owner=self.name,
            dependencies=self.dependencies,
            approve=self._approve,
            tell=lambda event: self._tell(event.model_copy(update={"node": node})),
        )

    @property
    def _approve(self) -> Approve | None:
        return self.settings.approve or (self.outer.approve if self.outer else None)

    def _tell(self, event: Event) -> None:
        """Tells what happens to a tool, and that somebody is waited for also where the run is inside of another."""
        self.bus.emit(event)
        if self.outer is not None and isinstance(event, ApprovalAsked | ApprovalDecided):
            self.outer.tell(event)


def opened_purse(budget: Budget, journal: Journal | None, clock: Callable[[], float]) -> Purse:
    """A run's budget, with what earlier processes have spent of it, and a journal that keeps what this one spends.

    Args:
        budget: What it may cost.
        journal: Knows what was spent; None if nothing keeps it.
        clock: The seconds that the run has taken, in all its processes.
    """
    if journal is None:
        return Purse(budget, clock=clock)
    kept = journal

    def keep(account: str, usage: Usage, calls: int, money: float) -> None:
        kept.spend(account, usage=usage, calls=calls, money=money)

    purse = Purse(budget, clock=clock, spent=keep)
    for path, spent in journal.spent.items():
        purse.restore(path, spent.usage, spent.calls, spent.money)
    return purse
