"""The corpus of damaged and hostile files, read in a process of its own: what it prints, how long it takes and what it holds are all measured there."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

CORPUS_FILE = Path(__file__).with_name("corpus.py")
N_FILES = 1200

READER = """
import json, re, sys, time
from pathlib import Path
from geocairn.errors import BadPhoto
from geocairn.photo.read import read_photo
for path in json.load(sys.stdin):
    started = time.perf_counter()
    try:
        photo = read_photo(path)
        outcome = f"{photo.image.mode} {photo.image.width} {photo.image.height}"
    except BadPhoto as error:
        outcome = str(error)
    print(json.dumps([outcome, time.perf_counter() - started, int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024]))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(path, is good, what came out, seconds, peak MiB so far) for each file of the corpus."""
    corpus = runpy.run_path(str(CORPUS_FILE))["make_corpus"](tmp_path_factory.mktemp("corpus"), seed=1, n=N_FILES)
    paths = json.dumps([os.fspath(path) for path, _ in corpus])
    done = subprocess.run([sys.executable, "-W", "error", "-c", READER], input=paths, capture_output=True, text=True, timeout=300, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(corpus) >= 1000
    return [(path, is_good, *row) for (path, is_good), row in zip(corpus, rows, strict=True)]


def test_each_file_is_a_photo_or_one_printable_line(outcomes):
    for path, _, outcome, *_ in outcomes:
        assert outcome.isprintable(), path
        assert outcome.startswith("RGB ") or ": " in outcome, path


def test_every_good_file_is_read(outcomes):
    assert sum(is_good for _, is_good, *_ in outcomes) >= 40
    assert [outcome for _, is_good, outcome, *_ in outcomes if is_good and not outcome.startswith("RGB ")] == []


def test_none_takes_long_or_much(outcomes):
    assert max(seconds for *_, seconds, _ in outcomes) < 10
    assert max(mib for *_, mib in outcomes) < 700


def test_the_corpus_is_the_same_for_the_same_seed(tmp_path):
    make_corpus = runpy.run_path(str(CORPUS_FILE))["make_corpus"]
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        corpus = make_corpus(tmp_path / name, seed=3, n=300)
        made.append([(path.name, path.read_bytes() if path.is_file() and not path.is_symlink() else b"") for path, _ in corpus])
    assert made[0] == made[1]
