"""The `geocairn` command: in this process where speed matters, in one of its own where streams and signals do."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from geocairn.cli.main import main


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


class Command:
    """Runs the command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: Any) -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["geocairn", *map(str, words)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    def refused(self, *words: Any) -> str:
        """The one line on standard error of a command that must exit 2 and print nothing."""
        ran = self(*words)
        assert (ran.code, ran.out) == (2, ""), ran
        assert ran.err.startswith("geocairn: ")
        assert ran.err.count("\n") == 1, ran.err
        return ran.err.removeprefix("geocairn: ").rstrip("\n")


def start(*words: Any, **options: Any) -> "subprocess.Popen[bytes]":
    """The command in a process of its own, which hears Ctrl-C even where the tests run in the background and do not."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": _hear_interrupts} | options
    return subprocess.Popen([sys.executable, "-m", "geocairn", *map(os.fspath, words)], **pipes)


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
