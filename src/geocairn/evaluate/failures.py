"""Why photos failed: counted by reason, in records for the report and in lines for people."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from geocairn.evaluate.guess import Guess
from geocairn.evaluate.report import FailureReason, Report

MAX_REASONS = 10
_NOT_THERE = ": does not exist; "  # as `photo.read` says it


def failure_reasons(photos: Sequence[str], guesses: Sequence[Guess]) -> list[FailureReason]:
    """The commonest reasons for which photos failed, each with its first photo; at most ten.

    Args:
        photos: names of N photos.
        guesses: the answer to each.
    """
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for photo, guess in zip(photos, guesses, strict=True):
        if guess.is_failed:
            where, reason = _split(photo, guess.error or "no answer")
            counts[reason] += 1
            example.setdefault(reason, where)
    return [FailureReason(n=n, example=example[reason], reason=reason) for reason, n in counts.most_common(MAX_REASONS)]


def failure_lines(report: Report) -> list[str]:
    """One line per reason for which photos failed, with their number and one of them; then those of the file that is compared with, beginning with its name."""
    lines = _lines(report.failures, report.n_failed)
    if report.system.bundle is not None:
        lines = [f"{line}, or give --photos" if _NOT_THERE in line else line for line in lines]
    if report.against is not None:
        lines += [f"{report.against.predictions}: {line}" for line in _lines(report.against.failures, report.against.n_failed)]
    return lines


def _lines(failures: Sequence[FailureReason], n_failed: int) -> list[str]:
    lines = [f"{_photos(failure.n)} failed, {'such as ' if failure.n > 1 else ''}{failure.example}: {failure.reason}" for failure in failures]
    n_left = n_failed - sum(failure.n for failure in failures)
    return [*lines, f"{_photos(n_left)} failed for other reasons; predictions.csv says which"] if n_left else lines


def _photos(n: int) -> str:
    return "1 photo" if n == 1 else f"{n} photos"


def _split(photo: str, error: str) -> tuple[str, str]:
    """The photo as the error names it, and what the error says of it: errors about a file begin with its path."""
    folder, name, reason = error.partition(f"{PurePath(photo).name}: ")
    return (folder + name.removesuffix(": "), reason) if reason else (photo, error)
