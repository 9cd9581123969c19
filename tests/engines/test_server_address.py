from __future__ import annotations

import pytest

from engines import HttpEngine, UsageError
from engines.remote.server_address import ServerAddress


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:8000", "http://localhost:8000"),
        (" http://127.0.0.1:8000/v1/ \n", "http://127.0.0.1:8000"),
        ("https://host/proxy/v1", "https://host/proxy"),
        ("https://[::1]:8000/", "https://[::1]:8000"),
        ("https://me:secret@host:1/v1", "https://host:1"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert ServerAddress.parse(text).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host/v1",
        "http://",
        "http://host:port",
        "http://a b/",
        "http://host:99999",
        "a..b",
        f"{'a' * 64}.com",
    ],
)
def test_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="is no server's address"):
        HttpEngine(url)


def test_a_key_with_characters_that_no_key_has() -> None:
    with pytest.raises(UsageError, match="copy it again"):
        HttpEngine("host", api_key="sécret")


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.9", True),
        ("[::1]", True),
        ("0.0.0.0", True),
        ("[::]", True),
        ("192.168.0.1", False),
        ("localhost.example", False),
    ],
)
def test_this_machine(host: str, is_loopback: bool) -> None:
    assert ServerAddress.parse(f"http://{host}:8000/v1").is_loopback == is_loopback


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://server", "http://proxy:1"),
        ("https://server", "http://proxy:2"),
        ("https://direct.example", None),
        ("http://gpu:8000", None),
        ("http://gpu:8001", "http://proxy:1"),
        ("http://default", None),
        ("http://[fd00::1]:8000", None),
        ("http://0.0.0.0:8000", None),
        ("http://localhost:8000", None),
    ],
)
def test_proxies(url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:1")
    monkeypatch.setenv("all_proxy", "proxy:2")
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.setenv("no_proxy", "direct.example,gpu:8000,default:80,fd00::1")
    assert ServerAddress.parse(url).proxy == proxy


def test_a_proxy_that_is_no_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "direct.example")
    with pytest.raises(UsageError, match="over socks5, and only HTTP"):
        _ = ServerAddress.parse("http://server.invalid/v1").proxy
    assert ServerAddress.parse("http://direct.example").proxy is None
