"""For every test: no network, the same draws each time, and a cache of its own; the atlas for those that need the whole Earth, and a small synthetic one."""

import hashlib
import os
import random
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from geocairn.places.atlas import Atlas

ROOT = Path(__file__).parents[1]
BUILDS_KEPT = 3
BUILDERS = ("places/*", "geo/*.py", "storage.py")

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


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Build places once for all runs over the same builders, and never in the user's cache."""
    digest = hashlib.sha256()
    for pattern in BUILDERS:
        for path in sorted((ROOT / "src/geocairn").glob(pattern)):
            digest.update(path.read_bytes() if path.is_file() else b"")
    kept = ROOT / "build/test-cache"
    folder = kept if os.access(ROOT, os.W_OK) and (ROOT / "src").is_dir() else tmp_path_factory.mktemp("cache")
    for old in sorted(kept.glob("*"), key=os.path.getmtime)[:-BUILDS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOCAIRN_CACHE", str(folder / digest.hexdigest()[:16]))
        yield


@pytest.fixture(scope="session")
def atlas(_own_cache: None) -> "Atlas":
    """The places of the whole Earth."""
    from geocairn.places.atlas import load_atlas

    return load_atlas()


@pytest.fixture(scope="session")
def small_synth(tmp_path_factory: pytest.TempPathFactory, _own_cache: None) -> Path:
    """600 photos of 60 cities of a synthetic Earth, read only."""
    from tests.small_earth import write_small_earth

    return write_small_earth(tmp_path_factory.mktemp("synth") / "earth", photos=600, cities=60, unseen_max=0.02)
