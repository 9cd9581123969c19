"""On what kind of file system a file lies, by the mount table of Linux. Pure, but for reading the table.

SQLite's write-ahead log shares memory between processes and trusts locks; over a network neither can be relied on,
and a journal may be damaged without a word.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import JournalError

MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = re.compile(
    r"nfs\d*|smb\w*|afs|beegfs|ceph|cifs|coda|davfs|glusterfs|gpfs|lustre|ncpfs|orangefs|panfs|pvfs2|wekafs"
    r"|fuse\.(afs|blobfuse|ceph|davfs|gcsfuse|gluster|goofys|juicefs|lustre|mount-s3|rclone|s3fs|seaweedfs|smb|sshfs).*",
    re.IGNORECASE,
)


def check_local(path: Path) -> None:
    """Refuses a place for a journal that lies on a network.

    Raises:
        JournalError: It does.
    """
    try:
        table = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return  # No Linux.
    kind = file_system(os.path.realpath(path), table)
    if is_network(kind):
        raise JournalError(
            f"the journal {path} would lie on a network file system ({kind}), where it may be damaged: "
            f"choose a folder on a local disk with --journal-dir"
        )


def is_network(kind: str) -> bool:
    """Whether a file system of this kind lies on a network."""
    return _NETWORK.fullmatch(kind) is not None


def file_system(path: str, table: str) -> str:
    r"""The kind of file system that an absolute path without links lies on; empty if the table does not say.

    >>> table = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / /home rw shared:7 - nfs4 host:/home rw"
    >>> file_system("/home/ada/run", table), file_system("/homes/ada", table)
    ('nfs4', 'ext4')
    """
    longest, kind = -1, ""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one hides the earlier.
        if inside and len(point) >= longest:
            longest, kind = len(point), after.split(" ")[0]
    return kind
