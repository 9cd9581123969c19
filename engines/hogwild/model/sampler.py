"""Draws one token for each row of logits: all rows in one batch of few kernels, and one copy to the host.

    logits ─┬─> without the banned ─> / temperature ─> top_k ─> top_p of the rest ─> running sum ─> token
            └─> log-probabilities, as the model says them               one number a row ─┘

A row's chance is one number, from a generator of its block's own on the host; the token is where the running sum of the
probabilities, in the order of the vocabulary, passes it. So nothing is kept on the device between draws, and no noise
is made for a whole vocabulary, which costs more than all the rest. It knows no model and no steps.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody calls it
from typing_extensions import NamedTuple

from ...sampling import Sampling
from ..decoder import Sampled

# Below it vLLM, too, takes the likeliest.
_COLDEST = 1e-5
# The end of a nucleus is looked for among so many first, since a whole vocabulary takes ten times as long to sort.
_CANDIDATES = 1024
# Probabilities are summed as integers: these sums are the same in whatever order a kernel adds, and never fall.
_ONE = 2.0**52
# So few that a chance, which is below 1, times a sum stays below the sum in float64.
_CHANCE_BITS = 48
# Into how many tokens a vocabulary is cut, to find the place of a chance.
_PIECE = 512
_UNCUT = Sampling(temperature=1.0)


class _Rules(NamedTuple):
    """How the rows of one batch are sampled; columns are [rows, 1].

    Attributes:
        temperature: A column, 1 where it is 0; None where every row takes the likeliest token.
        cold: A column: whether the row does; None where no row does.
        top_k: A column of how many are left, 0 for all; None where no row is cut so.
        most: The largest of these.
        top_p: A column of the part of the probability that is left, 1 for all; None where no row is cut so.
        logprobs: For each row how many of the likeliest are reported.
    """

    temperature: torch.Tensor | None
    cold: torch.Tensor | None
    top_k: torch.Tensor | None
    most: int
    top_p: torch.Tensor | None
    logprobs: tuple[int | None, ...]


class Sampler:
    """What the blocks of one session draw.

    A block's draws depend on its seed, its logits and how many tokens it has drawn, and on nothing else in the batch.
    Tokens that are just as likely as the last one that `top_k` or `top_p` leaves are left with it (so does vLLM's
    `top_k`; its `top_p` parts them). Not for two threads at once.
    """

    def __init__(
        self,
        samplings: Sequence[Sampling],
        *,
        banned: Collection[int] = (),
        device: torch.device | str = "cpu",
    ) -> None:
        """For blocks that sample so.

        Args:
            samplings: One for each block.
            banned: Ids that are never drawn, also where they are the likeliest.
            device: Where the logits will be.
        """
        self._samplings = tuple(samplings)
        self._generators = [random.Random(sampling.seed) for sampling in self._samplings]
        self._device = torch.device(device)
        self._banned = torch.tensor(sorted(banned), dtype=torch.long, device=self._device)
        # Nearly always the same blocks make up the batch.
        self._rules = lru_cache(maxsize=8)(self._read)

    def sample(
        self, logits: torch.Tensor, blocks: Sequence[int], *, greedy: bool = False
    ) -> list[Sampled]:
        """One token for each row.

        Args:
            logits: [rows, vocabulary], of any floating type; computed with in float32, and left as they are.
            blocks: The block of each row.
            greedy: Whether each takes the likeliest token, however it samples else.
        """
        with torch.inference_mode():
            rules = self._rules(tuple(blocks), greedy, logits.shape[1])
            said = logits.float()
            allowed = said.index_fill(1, self._banned, -torch.inf)
            if rules.temperature is None:
                return _told(said, allowed.argmax(1, keepdim=True), rules)
            chances = self._chances(blocks)
            found = _told(said, _drawn(allowed, rules, chances, _CANDIDATES), rules)
            if any(one.token_id < 0 for one in found):
                found = _told(said, _drawn(allowed, rules, chances, logits.shape[1]), rules)
            return found

    def _chances(self, blocks: Sequence[int]) -> torch.Tensor:
        drawn = [[self._generators[block].getrandbits(_CHANCE_BITS)] for block in blocks]
        # A copy from pinned memory does not wait for the logits.
        cuda = self._device.type == "cuda"
        numbers = torch.tensor(drawn, dtype=torch.float64, pin_memory=cuda)
        return numbers.to(self._device, non_blocking=True) * 2.0**-_CHANCE_BITS

    def _read(self, blocks: tuple[int, ...], greedy: bool, vocabulary: int) -> _Rules:
        samplings = [self._samplings[block] for block in blocks]
        cold = [greedy or one.temperature < _COLDEST for one in samplings]
        drawn = [_UNCUT if takes else one for one, takes in zip(samplings, cold, strict=True)]
        top_k = [one.top_k if one.top_k < vocabulary else 0 for one in drawn]
        top_p = [one.top_p for one in drawn]
        temperature = [one.temperature for one in drawn]
        return _Rules(
            temperature=None if all(cold) else self._column(temperature, torch.float32),
            cold=self._column(cold, torch.bool) if any(cold) else None,
            top_k=self._column(top_k, torch.long) if any(top_k) else None,
            most=max(top_k, default=0),
            top_p=self._column(top_p, torch.float64) if min(top_p, default=1.0) < 1 else None,
            logprobs=tuple(one.logprobs for one in samplings),
        )

    def _column(self, values: Sequence[float], kind: torch.dtype) -> torch.Tensor:
        return torch.tensor(values, dtype=kind, device=self._device)[:, None]


def _drawn(
    allowed: torch.Tensor, rules: _Rules, chances: torch.Tensor, candidates: int
) -> torch.Tensor:
    """An id for each row, [rows, 1]; -1 where its nucleus does not end among so many of the likeliest."""
    logits = allowed / rules.temperature
    if rules.top_k is not None:
        _cut_to_most(logits, rules.top_k, rules.most)
    probabilities = logits.softmax(1)
    complete = None
    if rules.top_p is not None:
        complete = _cut_to_nucleus(probabilities, rules.top_p, candidates)
    ids = _passed((probabilities * _ONE).long(), chances)
    if complete is not None:
        ids.masked_fill_(~complete, -1)
    if rules.cold is None:
        return ids
    return torch.where(rules.cold, allowed.argmax(1, keepdim=True), ids)


def _passed(parts: torch.Tensor, chances: torch.Tensor) -> torch.Tensor:
    """Where the running sum of the parts, [rows, vocabulary], passes a chance, [rows, 1], of all of it; [rows, 1].

    First which piece, then where in it: a running sum over a whole vocabulary takes a GPU as long as all the rest.
    """
    pieces = F.pad(parts, (0, -parts.shape[1] % _PIECE)).unflatten(1, (-1, _PIECE))
    sums = pieces.sum(2)
    ends = sums.cumsum(1)
    sought = (chances * ends[:, -1:]).long()
    # Logits that are no numbers have sums that nothing passes.
    piece = torch.searchsorted(ends, sought, right=True).clamp_(max=ends.shape[1] - 1)
    before = (ends - sums).gather(1, piece)
    inside = pieces.take_along_dim(piece[..., None], 1)[:, 0].cumsum(1)
    place = torch.searchsorted(inside, sought - before, right=True)
    return (piece * _PIECE + place).clamp_(max=parts.shape[1] - 1)


def _cut_to_most(logits: torch.Tensor, top_k: torch.Tensor, most: int) -> None:
    likely = logits.topk(most).values
    last = likely.gather(1, (top_k - 1).clamp_(0))
    logits.masked_fill_((logits < last) & (top_k > 0), -torch.inf)


def _cut_to_nucleus(
    probabilities: torch.Tensor, top_p: torch.Tensor, candidates: int
) -> torch.Tensor:
    """Whether the nucleus of each row, [rows, 1], ends among so many of the likeliest."""
    vocabulary = probabilities.shape[1]
    likely = probabilities.topk(min(candidates, vocabulary)).values
    mass = likely.cumsum(1, dtype=torch.float64)
    inside = (mass - likely < top_p).sum(1, keepdim=True)
    last = likely.gather(1, (inside - 1).clamp_(0))
    probabilities.masked_fill_((probabilities < last) & (top_p < 1), 0)
    return (mass[:, -1:] >= top_p) | (top_p >= 1) | (candidates >= vocabulary)


def _told(said: torch.Tensor, ids: torch.Tensor, rules: _Rules) -> list[Sampled]:
    """Brings the ids to the host, and what is reported of them."""
    asked = [number for number in rules.logprobs if number is not None]
    if not asked:
        return [Sampled(token_id) for token_id in ids[:, 0].tolist()]
    logprobs = said.log_softmax(1)
    most = logprobs.topk(min(max(asked), said.shape[1]))
    values = torch.cat((logprobs.gather(1, ids.clamp(0)), most.values), 1)
    # Ids are exact in float64, and one copy is quicker than two.
    both = torch.stack((torch.cat((ids, most.indices), 1).double(), values.double()), 2).tolist()
    return [_reported(row, number) for row, number in zip(both, rules.logprobs, strict=True)]


def _reported(row: Sequence[Sequence[float]], number: int | None) -> Sampled:
    token_id = int(row[0][0])
    if number is None:
        return Sampled(token_id)
    return Sampled(token_id, tuple((int(one), value) for one, value in row[: number + 1]))
