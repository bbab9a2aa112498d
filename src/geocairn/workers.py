"""Work shared out to processes: results come in the order of the items, and an item that kills its process costs only itself."""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Setup = Callable[[], Callable[[Item], Result]]

BATCHES_AHEAD = 3
_work: Callable[[Any], Any] | None = None
_why_not: Exception | None = None


def in_order(
    setup: Setup[Item, Result], items: Iterable[Item], *, jobs: int, batch_size: int, on_loss: Callable[[Item], Result]
) -> Generator[Result, None, None]:
    """Apply `setup()` to every item in worker processes.

    Args:
        setup: picklable; called once in each process, returns the function that does the work.
        items: consumed a few batches ahead of the results.
        jobs: number of processes, >= 1.
        batch_size: items handed over at a time, >= 1.
        on_loss: the result for an item whose process died of it.

    Returns:
        Results in the order of the items.

    Raises:
        Exception: what `setup` or the work raised in its process.
    """
    source = iter(items)
    batches = iter(lambda: list(islice(source, batch_size)), [])
    pool = _pool(setup, jobs)
    waiting: deque[tuple[list[Item], Future[list[Result]]]] = deque()
    try:
        while True:
            for batch in islice(batches, max(jobs * BATCHES_AHEAD - len(waiting), 0)):
                waiting.append((batch, _submit(pool, batch)))
            if not waiting:
                return
            try:
                results = waiting[0][1].result()
            except BrokenProcessPool:
                lost = [batch for batch, _ in waiting]
                waiting.clear()
                _stop(pool)
                yield from (result for batch in lost for item in batch for result in [_alone(setup, item, on_loss)])
                pool = _pool(setup, jobs)
                continue
            waiting.popleft()
            yield from results
    finally:
        _stop(pool)


def _pool(setup: Setup[Item, Result], jobs: int) -> ProcessPoolExecutor:
    # Spawned, not forked: a forked child of a process that has run OpenMP hangs.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(setup,))


def _submit(pool: ProcessPoolExecutor, batch: list[Item]) -> Future[list[Any]]:
    # The first call starts the processes. They inherit what is blocked here, so that Ctrl-C does not end them, with a traceback each, before `_start`.
    if not hasattr(signal, "pthread_sigmask"):
        return pool.submit(_work_batch, batch)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_work_batch, batch)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _alone(setup: Setup[Item, Result], item: Item, on_loss: Callable[[Item], Result]) -> Result:
    pool = _pool(setup, 1)
    try:
        results: list[Result] = _submit(pool, [item]).result()
        return results[0]
    except BrokenProcessPool:
        return on_loss(item)
    finally:
        _stop(pool)


def _stop(pool: ProcessPoolExecutor) -> None:
    queue = pool._result_queue
    if queue is None:
        return  # stopped before: whoever is interrupted while a lost batch is done again stops the lost pool once more
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    # A process ended in the middle of a result leaves half of it in the pipe, and the pool would wait for the rest for ever: now it finds the end.
    queue._writer.close()  # type: ignore[attr-defined]


def _start(setup: Setup[Any, Any]) -> None:
    global _work, _why_not
    # Ctrl-C is for the parent: it ends its workers after it has closed its file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        _work = setup()
    except Exception as error:  # noqa: BLE001 - kept for the first batch, which raises it in the parent; raised here it would look like a lost process
        _why_not = error


def _end_with_parent() -> None:
    """A parent that was killed ends nobody: its workers would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work_batch(batch: list[Any]) -> list[Any]:
    if _work is None:
        raise _why_not or RuntimeError("a worker was given work before it was set up")
    return [_work(item) for item in batch]
