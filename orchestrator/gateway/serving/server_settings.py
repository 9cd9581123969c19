"""What a server is told: where it listens, whom it answers, and how much of it anybody may have."""

from __future__ import annotations

from dataclasses import dataclass

from .keys import Keys


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How a server serves; sizes in bytes, times in seconds.

    Attributes:
        host: Where it listens.
        port: The same; 0 is any that is free.
        keys: Whom it answers.
        max_body: The longest body that is read.
        max_bodies: How many of that length are held at once, by all requests together.
        max_requests: The most requests that are answered at once.
        max_waiting: The most that wait for that; more are sent away.
        drain: How long requests may still take once the server is to end.
        header_seconds: How long a client may take to send a request's head.
        body_seconds: How long it may take to send the body.
        send_seconds: How long it may take to read some of what it is sent, before the connection is cut.
        idle_seconds: How long a connection is kept for a further request.
        comment_seconds: After so long without a word a stream gets a comment, so that no proxy takes it for dead.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    keys: Keys = Keys()
    max_body: int = 4 * 2**20
    max_bodies: int = 64
    max_requests: int = 256
    max_waiting: int = 1024
    drain: float = 30
    header_seconds: float = 10
    body_seconds: float = 60
    send_seconds: float = 30
    idle_seconds: int = 75
    comment_seconds: float = 15
