"""Damaged files, kills and worker processes through the whole command; writes results/robustness.json.

Fuzz: the tests' corpus of damaged and hostile files: a row each, no traceback, no row over 10 s, peak memory, good files answered. Kill: a run over a
folder of photos is killed (SIGKILL) half-way and resumed; its file must equal an uninterrupted one's save `seconds`, as must that of two workers.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from provenance import provenance, write_result

from geocairn.export.text import encodable

ROOT = Path(__file__).parent.parent
COMMAND = str(Path(sys.executable).parent / "geocairn")
SEED, N_FILES = 7, 1200


def run(arguments: Sequence[str], out: Path) -> tuple[int, str, float]:
    """Exit code, words on standard error and seconds of `geocairn locate ... --out OUT`."""
    started = time.perf_counter()
    done = subprocess.run([COMMAND, "locate", *arguments, "--out", str(out)], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, time.perf_counter() - started


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def without_seconds(path: Path) -> list[dict[str, Any]]:
    found = rows(path)
    for row in found:
        row["provenance"]["seconds"] = None
    return found


def fuzz(scratch: Path) -> dict[str, Any]:
    sys.path.insert(0, str(ROOT / "tests/photo"))
    from corpus import make_corpus  # type: ignore[import-not-found]

    folder = scratch / "corpus"
    folder.mkdir()
    # A list on standard input has one path a line, and a folder stands for all photos in it.
    files = [entry for entry in make_corpus(folder, SEED, N_FILES) if "\n" not in str(entry[0]) and not entry[0].is_dir()]
    listed = scratch / "files.txt"
    listed.write_bytes(b"".join(os.fsencode(path) + b"\n" for path, _ in files))
    out = scratch / "fuzz.jsonl"
    with listed.open("rb") as names:
        done = subprocess.run([COMMAND, "locate", "-", "--out", str(out)], stdin=names, capture_output=True, text=True, check=False)
    found = rows(out)
    good = {encodable(str(path)) for path, is_good in files if is_good}
    return {
        "files": len(files),
        "rows": len(found),
        "exit_code": done.returncode,
        "tracebacks": done.stderr.count("Traceback"),
        "unexpected_errors": sum("unexpected" in (row["error"] or "") for row in found),
        "slowest_row_s": max(row["provenance"]["seconds"] for row in found),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "good_files": len(good),
        "good_files_answered": sum(row["photo"] in good and row["error"] is None for row in found),
        "errors": sum(row["error"] is not None for row in found),
    }


def kill_and_resume(photos: str, scratch: Path) -> dict[str, Any]:
    whole, cut, two = scratch / "whole.jsonl", scratch / "cut.jsonl", scratch / "two.jsonl"
    code, _, seconds = run([photos, "--jobs", "1"], whole)
    n = len(rows(whole))
    process = subprocess.Popen([COMMAND, "locate", photos, "--out", str(cut)], stderr=subprocess.DEVNULL)
    while not cut.exists() or cut.read_bytes().count(b"\n") < n // 2:
        time.sleep(0.05)
    process.kill()
    process.wait()
    kept = cut.read_bytes().count(b"\n")
    resumed, _, _ = run([photos, "--resume"], cut)
    code_two, _, seconds_two = run([photos, "--jobs", "2"], two)
    return {
        "photos": n,
        "exit_codes": [code, resumed, code_two],
        "rows_before_the_kill": kept,
        "resumed_equals_uninterrupted": without_seconds(cut) == without_seconds(whole),
        "two_workers_equal_one": without_seconds(two) == without_seconds(whole),
        "seconds_one_worker": round(seconds, 1),
        "seconds_two_workers": round(seconds_two, 1),
    }


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("photos")
    photos = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as scratch:
        values = {"fuzz": fuzz(Path(scratch)), "kill": kill_and_resume(photos, Path(scratch))}
    digest = sha256("".join(sorted(path.name for path in Path(photos).rglob("*"))).encode()).hexdigest()
    write_result("robustness", {**values, **provenance(data_sha256=digest, seed=SEED)})
    print(json.dumps(values, indent=1))


if __name__ == "__main__":
    main()
