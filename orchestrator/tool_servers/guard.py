"""Runs a command that ends with the process that started it. A script of its own: it imports nothing of ours.

    python guard.py PARENT COMMAND [ARGUMENT ...]

A tool server reads its standard input, and should end where that ends. One that hangs does not, and would outlive a
killed parent. The guard stands between: it carries no message, looks whether the parent lives, ends what the command
left behind, and says on standard error, in a last line, how the command ended. It has to lead its session.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_SECONDS_BETWEEN_LOOKS = 1.0
# What Python and the guard ignore, the command must not.
_OURS = (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ)


def main(parent: int, command: list[str]) -> None:
    """Runs the command to its end, and all that it started."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    # It has to reap a command that SIGTERM ends, since nobody else may.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        process = os.posix_spawnp(command[0], command, os.environ, setsigdef=_OURS)
    except OSError as error:
        _tell(f"cannot be started: {error.strerror}")
        return
    # The command's end has to be the end of its pipes.
    os.close(0)
    os.close(1)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    _tell(f"ended with exit code {code}" if code >= 0 else f"was killed by signal {-code}")
    os.killpg(0, signal.SIGKILL)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os.killpg(0, signal.SIGKILL)


def _tell(end: str) -> None:
    os.write(2, f"\n{end}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
