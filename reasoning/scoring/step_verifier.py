"""A generative verifier of steps (placeholder of the seam)."""

from __future__ import annotations

from dataclasses import dataclass

from .verifier import Verifier


@dataclass(frozen=True, kw_only=True)
class StepVerifier(Verifier):
    """How likely the model says that the steps so far are right."""
