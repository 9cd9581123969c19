"""Ids of the client's calls, which name the run and the node that wait for them. Pure.

    20261127-065248-a1b2c3, 4  <->  call_20261127-065248-a1b2c3_4

What comes back from a client is read strictly: no id names anything outside the folder of runs.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

_RUN = r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}"
# As long as an id of OpenAI's may be, less what stands before it.
_LONGEST_NODE = 36
_NODE = rf"[A-Za-z0-9_-]{{1,{_LONGEST_NODE}}}"
_ID = re.compile(rf"call_({_RUN})_({_NODE})", re.ASCII)


class CallId(NamedTuple):
    """What an id says.

    Attributes:
        run: The name of the run's folder.
        node: The node, as `node_in_id` has it.
    """

    run: str
    node: str


def call_id(run: str, node: str) -> str:
    """The id of the call of a node.

    >>> call_id("20261127-065248-a1b2c3", "4")
    'call_20261127-065248-a1b2c3_4'
    """
    return f"call_{run}_{node_in_id(node)}"


def node_in_id(node: str) -> str:
    """A node as ids have it: its name, or what stands for one that is too long or has other characters."""
    if re.fullmatch(_NODE, node, re.ASCII):
        return node
    return f"node-{hashlib.blake2b(node.encode(), digest_size=15).hexdigest()}"


def read_call_id(id: str) -> CallId | None:
    """What an id says; None if it is none of ours.

    >>> read_call_id("call_20261127-065248-a1b2c3_4")
    CallId(run='20261127-065248-a1b2c3', node='4')
    >>> read_call_id("call_../../etc_4")
    """
    match = _ID.fullmatch(id)
    return None if match is None else CallId(*match.groups())
