"""Silence for C libraries that write their complaints straight to file descriptor 2."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.Lock()  # two threads that swap the descriptor at once could leave it swapped for good


@contextmanager
def silent_stderr_descriptor() -> Iterator[None]:
    """Send file descriptor 2 to nowhere for the length of the block; what else the process writes there in that time is lost too.

    libtiff, as built into Pillow, prints each damaged line of a file to it. The same damage is an exception or a picture for us, so the words are only noise
    between the rows of a batch, and nothing finer than the descriptor can be reached from Python.
    """
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # a service without a stderr has nothing to silence
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
