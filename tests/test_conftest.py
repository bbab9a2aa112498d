"""The fixtures that guard every test do guard it."""

import subprocess
import sys
from pathlib import Path

import pytest

CALLS = {
    "a connection": "socket.socket().connect(('192.0.2.1', 80))",
    "a connection by another call": "socket.create_connection(('192.0.2.1', 80), timeout=1)",
    "a name": "socket.getaddrinfo('example.org', 80)",
    "a page": "urllib.request.urlopen('http://192.0.2.1/', timeout=1)",
    "a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
}
TEST = """
import contextlib, socket, urllib.request

def test_that_swallows_the_refusal():
    with contextlib.suppress(BaseException):
        {call}
"""


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_reaching_for_the_network_fails_a_test_that_swallows_the_refusal(call, tmp_path):
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tmp_path / "test_swallow.py").write_text(TEST.format(call=call))
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 1
    assert "tests run offline, but these were tried" in run.stdout
