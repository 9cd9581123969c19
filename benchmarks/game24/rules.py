"""The selection rules that are compared on the Game of 24, with ETS as it is set for it."""

from functools import partial

from benchmarks.game24.meaning import Meaning
from reasoning.searching.rules.beam import Beam
from reasoning.searching.rules.dvts import Dvts
from reasoning.searching.rules.ets import Ets
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.rules.rule import SelectionRule

BASELINE = "REBASE"
GOAL = ("ETS, uniform", "ETS, tokens")
# The mildest of those on the grid with which ETS takes at most a 1.9th of the blocks at the widths of
# `search_game24 --tune`.
LAMBDA_B, LAMBDA_D = 2.5, 0.7
# A busy machine must not change what is chosen: a choice that is cut short is made greedily.
PATIENT = partial(Ets, time_limit=60.0)


def rules(width: int) -> dict[str, SelectionRule]:
    """What is compared, by name; the same at every width."""
    ets = partial(PATIENT, lambda_b=LAMBDA_B, lambda_d=LAMBDA_D, embedder=Meaning())
    return {
        "beam": Beam(),
        "DVTS": Dvts(),
        BASELINE: Rebase(),
        GOAL[0]: ets(cost="uniform"),
        GOAL[1]: ets(cost="tokens"),
    }
