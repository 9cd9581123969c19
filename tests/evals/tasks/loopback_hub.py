"""A Hugging Face Hub on loopback: what `datasets` and `huggingface_hub` ask of it to load a dataset, over real HTTP.

GET  /api/datasets/ID[/revision/COMMIT]           what it is, with the commit as `sha`
GET  /api/datasets/ID/commits/main                its commits, the newest first
GET  /api/datasets/ID/tree/COMMIT[/FOLDER]        its files
POST /api/datasets/ID/paths-info/COMMIT           some of them
HEAD /datasets/ID/resolve/COMMIT/FILE             what a file is: ETag, length, X-Repo-Commit
GET  /datasets/ID/resolve/COMMIT/FILE             what it holds
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Repository:
    """A dataset: the files of each commit, the newest first."""

    commits: Mapping[str, Mapping[str, bytes]]
    gated: bool = False

    @property
    def newest(self) -> str:
        return next(iter(self.commits))


@contextmanager
def serving(repositories: Mapping[str, Repository]) -> Iterator[str]:
    """The address of a hub with these datasets."""

    class Handler(_Handler):
        hub = repositories

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Mapping[str, Repository]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        api = parts[0] == "api"
        id, rest = "/".join(parts[1 + api : 3 + api]), parts[3 + api :]
        repository = self.hub.get(id)
        if repository is None:
            self._refuse(404, "RepoNotFound")
        elif api:
            self._tell(repository, id, rest, body)
        elif repository.gated:
            self._refuse(401, "GatedRepo")
        else:
            self._hand_out(repository, rest[1], "/".join(rest[2:]))

    def _tell(self, repository: Repository, id: str, rest: list[str], body: bytes) -> None:
        match rest:
            case ["commits", _]:
                page = [
                    {
                        "id": commit,
                        "title": "",
                        "message": "",
                        "authors": [],
                        "date": "2025-01-01T00:00:00.000Z",
                    }
                    for commit in repository.commits
                ]
                return self._send(200, json.dumps(page).encode())
            case [] | ["revision", _]:
                commit = self._commit(repository, rest[1] if rest else "main")
                if commit is not None:
                    self._send(200, json.dumps({"id": id, "sha": commit, "tags": []}).encode())
            case ["tree", revision, *folder]:
                commit = self._commit(repository, revision)
                if commit is not None:
                    wanted = "/".join(folder)
                    tree = _tree(repository.commits[commit], wanted, self._asked("recursive"))
                    self._send(200, json.dumps(tree).encode())
            case ["paths-info", revision]:
                commit = self._commit(repository, revision)
                if commit is not None:
                    files = repository.commits[commit]
                    paths = _paths(self.headers.get("Content-Type", ""), body)
                    found = [_entry(path, files[path]) for path in paths if path in files]
                    self._send(200, json.dumps(found).encode())
            case _:
                self._refuse(404, "EntryNotFound")

    def _hand_out(self, repository: Repository, revision: str, path: str) -> None:
        commit = self._commit(repository, revision)
        if commit is None:
            return
        content = repository.commits[commit].get(path)
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if content is None:
            self._refuse(404, "EntryNotFound", headers)
        else:
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            self._send(200, content, {**headers, "ETag": etag}, "application/octet-stream")

    def _commit(self, repository: Repository, revision: str) -> str | None:
        commit = repository.newest if revision == "main" else revision
        if commit in repository.commits:
            return commit
        self._refuse(404, "RevisionNotFound")
        return None

    def _asked(self, option: str) -> bool:
        return parse_qs(urlsplit(self.path).query).get(option, [""])[0].lower() in ("true", "1")

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(
            status, b"{}", {**(headers or {}), "X-Error-Code": code, "X-Error-Message": code}
        )

    def _send(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        kind: str = "application/json",
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _tree(files: Mapping[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    prefix = f"{folder}/" if folder else ""
    below = {path: content for path, content in files.items() if path.startswith(prefix)}
    folders = {
        prefix + path.removeprefix(prefix).split("/")[0]
        for path in below
        if "/" in path.removeprefix(prefix)
    }
    found = [
        _entry(path, content)
        for path, content in below.items()
        if recursive or "/" not in path.removeprefix(prefix)
    ]
    return [
        *({"type": "directory", "path": path, "oid": "0", "size": 0} for path in folders),
        *found,
    ]


def _entry(path: str, content: bytes) -> dict[str, Any]:
    return {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": hashlib.sha1(content).hexdigest(),
    }


def _paths(kind: str, body: bytes) -> list[str]:
    if "json" in kind:
        paths = json.loads(body)["paths"]
        return [paths] if isinstance(paths, str) else paths
    return parse_qs(body.decode()).get("paths", [])
