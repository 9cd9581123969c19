"""OpenTelemetry for runs. Importing it loads nothing of OpenTelemetry."""

from __future__ import annotations

from .tracing import Tracing, TracingStatistics

__all__ = ["Tracing", "TracingStatistics"]
