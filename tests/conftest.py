"""For every test: no network, and the same draws each time."""

import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("geocairn", derandomize=True, deadline=None)
settings.load_profile("geocairn")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that tries to reach the network, even where the code under test swallows the exception."""
    tried: list[str] = []

    def refuse(address: Any) -> None:
        tried.append(repr(address))
        raise AssertionError(f"tests run offline, but a connection to {address!r} was tried")

    def guarded(reach: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, *arguments: Any) -> Any:
            # Sockets of the machine's own file system carry what worker processes say to each other.
            return reach(self, *arguments) if self.family == socket.AF_UNIX else refuse(arguments[-1])

        return call

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, lambda host, *_, **__: refuse(host))
    yield
    assert not tried, f"tests run offline, but these were tried: {', '.join(tried)}"


@pytest.fixture(autouse=True)
def _same_draws_each_time() -> None:
    random.seed(0)
    np.random.seed(0)
