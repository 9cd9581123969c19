"""Several engines of one model as one: routing by prefix and load, health, failover.

ReplicaPool ── stream ──> whole_calls | streamed_calls ── dispatcher ──> fleet (pure)
                                                                           ├─ router, prefix_memory
                                                                           ├─ circuit_breaker (fails? slow?)
                                                                           └─ patience, pace (compared with peers)
"""

from .pool import ReplicaPool
from .replica import HealthPolicy, ReplicaState, ReplicaStatus
from .router import RoutingPolicy

__all__ = ["HealthPolicy", "ReplicaPool", "ReplicaState", "ReplicaStatus", "RoutingPolicy"]
