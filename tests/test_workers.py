"""Processes are spawned, about a second each, so that several laws share one run."""

import multiprocessing
import os
import threading
import time
from functools import partial

import pytest

from geocairn.workers import in_order

FATAL = 13


def setup_doubling():
    return double


def double(number):
    if number == FATAL:
        os._exit(1)
    time.sleep(0.02 if number % 3 == 0 else 0)
    return 2 * number


def setup_failing():
    return fail_at_three


def fail_at_three(number):
    if number == 3:
        raise KeyError(f"no {number}")
    return number


def setup_marking(folder):
    return partial(mark, folder)


def mark(folder, number):
    (folder / str(number)).write_text(str(os.getpid()))
    return number


def broken_setup():
    raise OSError("the bundle is gone")


def setup_large():
    return large


def large(number):
    return bytes(5_000_000)


def lost(number):
    return f"lost {number}"


def no_loss(number):
    raise AssertionError(f"{number} was not lost")


def no_children():
    """Neither processes nor the threads that serve them, which Python waits for when it ends."""
    deadline = time.monotonic() + 5
    while (multiprocessing.active_children() or threading.active_count() > 1) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not multiprocessing.active_children() and threading.active_count() == 1


def test_results_come_in_the_order_of_the_items_and_the_processes_end():
    assert list(in_order(setup_doubling, range(12), jobs=2, batch_size=2, on_loss=no_loss)) == [2 * number for number in range(12)]
    assert no_children()


def test_an_item_that_kills_its_process_costs_only_itself():
    numbers = [11, 12, FATAL, 14, 15]
    assert list(in_order(setup_doubling, numbers, jobs=2, batch_size=3, on_loss=lost)) == [22, 24, "lost 13", 28, 30]
    assert no_children()


def test_an_interruption_while_lost_items_are_done_again_is_raised_as_it_is():
    running = in_order(setup_doubling, [FATAL, 14, 15], jobs=1, batch_size=3, on_loss=lost)
    assert next(running) == "lost 13"
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)
    assert no_children()


def test_items_are_taken_a_few_batches_ahead_and_no_more_after_an_early_end(tmp_path):
    taken = []

    def numbers():
        for number in range(1000):
            taken.append(number)
            yield number

    running = in_order(partial(setup_marking, tmp_path), numbers(), jobs=1, batch_size=2, on_loss=no_loss)
    assert [next(running) for _ in range(3)] == [0, 1, 2]
    assert len(taken) <= 12
    running.close()
    assert no_children()
    assert {path.read_text() for path in tmp_path.iterdir()} != {str(os.getpid())}


def test_processes_stopped_in_the_middle_of_large_results_end():
    running = in_order(setup_large, range(1000), jobs=2, batch_size=4, on_loss=no_loss)
    assert len(next(running)) == 5_000_000
    running.close()
    assert no_children()


def test_an_exception_of_the_work_is_raised_here_and_ends_the_processes():
    with pytest.raises(KeyError, match="no 3"):
        list(in_order(setup_failing, range(5), jobs=1, batch_size=1, on_loss=no_loss))
    assert no_children()


def test_a_setup_that_fails_is_an_error_and_not_the_loss_of_every_item():
    with pytest.raises(OSError, match="the bundle is gone"):
        list(in_order(broken_setup, range(3), jobs=1, batch_size=1, on_loss=lost))
    assert no_children()


def test_nothing_to_do_starts_nothing():
    started = time.monotonic()
    assert list(in_order(setup_doubling, [], jobs=2, batch_size=2, on_loss=no_loss)) == []
    assert time.monotonic() - started < 0.5
