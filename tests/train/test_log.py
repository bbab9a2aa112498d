"""The log: each step once, only growing, cut where it is torn, refused where it is somebody else's."""

import pytest

from geocairn.errors import BadRun
from geocairn.train.log import RunLog, read_log


def write(path, *steps, drop_after=None):
    with RunLog(path) as log:
        if drop_after is not None:
            log.drop_after(drop_after)
        for step in steps:
            log.append({"step": step, "loss": step / 2})


def test_rows_are_appended_and_each_step_is_written_once(tmp_path):
    path = tmp_path / "log.jsonl"
    write(path, 1, 2, 3)
    before = path.read_bytes()
    write(path, 2, 3, 4)
    assert path.read_bytes().startswith(before)
    assert read_log(path) == [{"step": step, "loss": step / 2} for step in (1, 2, 3, 4)]


@pytest.mark.parametrize("torn", [b'{"step": 3', b'{"step": 3}', b"{", b"\0\0\0", b'{"step": 3, "loss": "\xc3'])
def test_a_torn_last_line_is_cut(tmp_path, torn):
    path = tmp_path / "log.jsonl"
    write(path, 1, 2)
    with path.open("ab") as stream:
        stream.write(torn)
    write(path, 3)
    assert [row["step"] for row in read_log(path)] == [1, 2, 3]


@pytest.mark.parametrize("line", [b"notes\n", b"[]\n", b'{"step": "1"}\n', b'{"loss": 1}\n', b"\n"])
def test_what_is_no_log_is_refused_and_left_as_it_is(tmp_path, line):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line + b'{"step": 2}\n')
    before = path.read_bytes()
    with pytest.raises(BadRun, match=r"log\.jsonl, line 2: not a row of a log"):
        write(path, 3)
    assert path.read_bytes() == before


def test_rows_after_a_step_can_be_cut(tmp_path):
    path = tmp_path / "log.jsonl"
    write(path, 1, 2, 3, 4)
    write(path, 3, drop_after=2)
    assert [row["step"] for row in read_log(path)] == [1, 2, 3]


def test_two_runs_do_not_write_one_log(tmp_path):
    path = tmp_path / "log.jsonl"
    with RunLog(path) as log:
        log.append({"step": 1})
        with pytest.raises(BadRun, match=r"log\.jsonl: another process writes it"):
            write(path, 2)
        log.append({"step": 3})
    write(path, 4)
    assert [row["step"] for row in read_log(path)] == [1, 3, 4]


def test_numbers_that_json_does_not_know_are_null(tmp_path):
    with RunLog(tmp_path / "log.jsonl") as log:
        log.append({"step": 1, "validation": {"a": float("nan"), "b": float("inf"), "c": 1.0}})
    assert read_log(tmp_path / "log.jsonl") == [{"step": 1, "validation": {"a": None, "b": None, "c": 1.0}}]
