"""The viewer's server, asked as nobody should ask it, over sockets of its own."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import pytest
from anyio.from_thread import start_blocking_portal

from orchestrator.viewer.viewer_server import allowed_names
from tests.orchestrator.processes import SECONDS
from tests.orchestrator.viewer.viewed import served
from tests.orchestrator.viewer.viewed_runs import plan_run


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Asked:
    """Sends bytes to a server and reads all that it answers."""

    def __init__(self, address: str, folder: Path) -> None:
        self.place = urlsplit(address).netloc
        self.folder = folder

    def raw(self, request: bytes) -> Answer:
        host, _, port = self.place.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        return Answer(int(status.split()[1]), headers, body)

    def get(self, path: str, *lines: str, method: str = "GET", host: str | None = None) -> Answer:
        hosts = [f"Host: {self.place if host is None else host}"] if host != "" else []
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *hosts, *lines, "Connection: close"])
        return self.raw(f"{head}\r\n\r\n".encode())


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    base = tmp_path_factory.mktemp("base")
    (base / "secret.txt").write_text("SECRET")
    folder = Path(shutil.copytree(plan_run(), base / "run"))
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(f"{config}\napi_key: SECRET\n")
    (folder / "env.json").write_text('{"OPENAI_API_KEY": "SECRET"}')
    with start_blocking_portal() as portal, served(portal, folder) as address:
        yield Asked(address, folder)


def test_the_page_the_picture_a_text_and_a_search_are_answered(asked: Asked) -> None:
    page = asked.get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    picture = json.loads(asked.get("/picture?since=0").body)
    assert len(picture["nodes"]) == 5
    key = picture["calls"][0]["text"]
    assert json.loads(asked.get(f"/text/{key}").body)["turns"]
    assert json.loads(asked.get("/search?q=think").body)["hits"]
    since = picture["version"]
    assert json.loads(asked.get(f"/picture?since={since}").body)["nodes"] == []


def test_a_picture_says_whose_it_is(asked: Asked) -> None:
    """A server that is started anew on the same port is known for another one."""
    first, again = (json.loads(asked.get("/picture").body)["epoch"] for _ in range(2))
    with start_blocking_portal() as portal, served(portal, asked.folder) as address:
        other = json.loads(Asked(address, asked.folder).get("/picture").body)["epoch"]
    assert first == again != other


def test_every_answer_has_headers_that_keep_it_to_itself(asked: Asked) -> None:
    for path in ("/", "/picture", "/text/c1", "/nowhere", "/search?q=a", "/picture?since=x"):
        headers = asked.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    policy = asked.get("/").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'sha256-" in policy


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1", "localhost:1", "0x7f.1", "", "[::1]"],
)  # fmt: skip
def test_who_calls_it_by_another_name_is_refused(asked: Asked, host: str) -> None:
    answer = asked.get("/picture", host=host)
    assert answer.status in (400, 421)
    assert b"nodes" not in answer.body


def test_two_names_and_a_whole_address_do_not_get_around_that(asked: Asked) -> None:
    for lines in (["Host: evil.example"], ["X-Forwarded-Host: x"]):
        answer = asked.get("/picture", *lines, host="evil.example")
        assert answer.status in (400, 421)
    assert asked.get("/picture", "Host: evil.example").status in (400, 421)
    assert asked.get("http://evil.example/picture", host="evil.example").status in (400, 421)


def test_it_is_called_by_the_names_of_this_machine(asked: Asked) -> None:
    port = asked.place.rpartition(":")[2]
    for name in (f"localhost:{port}", f"LOCALHOST:{port}", f"127.0.0.1:{port}"):
        assert asked.get("/picture", host=name).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO"])
def test_nothing_but_get_is_answered(asked: Asked, method: str) -> None:
    answer = asked.get("/picture", "Content-Length: 0", method=method)
    assert answer.status in (400, 405)
    assert b"nodes" not in answer.body


PATHS = [
    "/../secret.txt",
    "/text/../../secret.txt",
    "/text/..%2f..%2fsecret.txt",
    "/text/%2e%2e%2f%2e%2e%2fsecret.txt",
    "/text/..%5c..%5csecret.txt",
    "/text/config.yaml",
    "/text/env.json",
    "/config.yaml",
    "/env.json",
    "/journal.sqlite",
    "/page/app.js",
    "//etc/passwd",
    "/text//etc/passwd",
    "/text/%00",
    "/text/c1%00",
    "/text/" + "c" * 5000,
    "/text/c" + "9" * 30,
    "/picture/",
    "/picture?since=-1",
    "/picture?since=1e9",
    "/picture?since=" + "9" * 400,
    "/static/../../secret.txt",
    "*",
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_no_path_reaches_a_file(asked: Asked, path: str) -> None:
    answer = asked.get(path)
    assert 400 <= answer.status < 500
    assert b"SECRET" not in answer.body
    assert b"Traceback" not in answer.body
    assert str(asked.folder).encode() not in answer.body


def test_no_secret_of_the_folder_is_in_any_answer(asked: Asked) -> None:
    picture = asked.get("/picture").body
    for path in (
        "/",
        "/search?q=SECRET",
        "/search?q=api_key",
        f"/search?q={quote(str(asked.folder))}",
    ):
        answer = asked.get(path)
        assert b"SECRET" not in answer.body + picture
        assert answer.status == 200


def test_torn_and_hostile_heads_are_refused_and_harm_nobody(asked: Asked) -> None:
    host = asked.place.encode()
    for request in (
        b"GET /picture\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET /picture HTTP/1.1\r\nHost: %s\r\nHost: %s\r\nConnection: close\r\n\r\n"
        % (host, host),
        b"GET /picture HTTP/1.1\r\nHost: %s\r\n evil: x\r\nConnection: close\r\n\r\n" % host,
        b"GET /picture HTTP/1.1\r\nHost: %s\xff\r\nConnection: close\r\n\r\n" % host,
    ):
        assert b"nodes" not in asked.raw(request).body
    assert asked.get("/picture").status == 200


def test_a_run_that_can_be_read_no_more_says_so_without_its_place(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(plan_run(), tmp_path / "run"))
    with start_blocking_portal() as portal, served(portal, folder) as address:
        asked = Asked(address, folder)
        assert asked.get("/picture").status == 200
        with (folder / "events.jsonl").open("a") as file:
            file.write('{"kind": "run-started", "schema_version": 99}\n')
        answer = asked.get("/picture")
        assert answer.status == 503
        assert str(tmp_path).encode() not in answer.body


def test_texts_that_cannot_be_read_are_told_without_their_place(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(plan_run(), tmp_path / "run"))
    with start_blocking_portal() as portal, served(portal, folder) as address:
        asked = Asked(address, folder)
        key = json.loads(asked.get("/picture").body)["calls"][0]["text"]
        (folder / "journal.sqlite").write_bytes(b"noise" * 999)
        answer = asked.get(f"/text/{key}")
    told = b"the text cannot be shown: the run's journal cannot be read"
    assert (answer.status, answer.body) == (503, told)


def test_which_names_are_ours_depends_on_where_it_listens() -> None:
    assert allowed_names("127.0.0.1", 8000) == {"127.0.0.1:8000", "localhost:8000", "[::1]:8000"}
    assert "box.example:8000" in allowed_names("Box.Example", 8000)
    assert "localhost" in allowed_names("127.0.0.1", 80)
    assert "0.0.0.0:8000" in allowed_names("0.0.0.0", 8000)
