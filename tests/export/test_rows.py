import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.export.factory import album, failed, prediction

from geocairn.errors import BadOutput
from geocairn.export.files import open_rows, write_predictions
from geocairn.export.rows import append_row, resume_rows, row_key, row_text


def key_of(answer):
    return row_key(answer.photo, answer.sha256, answer.provenance.bundle_sha256, answer.provenance.settings_sha256)


KEYS = [key_of(answer) for answer in album()]
WHOLE = "".join(map(row_text, album())).encode()
ENDS = [index + 1 for index, byte in enumerate(WHOLE) if byte == ord("\n")]


def test_a_row_is_flushed_at_once():
    class Counting(io.StringIO):
        flushes = 0

        def flush(self):
            self.flushes += 1

    out = Counting()
    append_row(out, prediction())
    assert out.flushes == 1
    assert out.getvalue() == prediction().to_json() + "\n"


def test_a_whole_file_is_read_and_left(tmp_path):
    path = tmp_path / "x.jsonl"
    write_predictions(album(), path, "jsonl")
    assert resume_rows(path) == Counter(KEYS)
    assert path.read_bytes() == WHOLE


def test_rows_with_an_error_count_as_done(tmp_path):
    write_predictions([failed()], tmp_path / "x.jsonl", "jsonl")
    assert resume_rows(tmp_path / "x.jsonl") == {key_of(failed()): 1}


def test_a_photo_listed_twice_is_two_rows(tmp_path):
    write_predictions([prediction(), prediction()], tmp_path / "x.jsonl", "jsonl")
    assert resume_rows(tmp_path / "x.jsonl") == {KEYS[0]: 2}


@pytest.mark.parametrize("content", [None, b""])
def test_no_file_or_an_empty_one_holds_no_rows(content, tmp_path):
    if content is not None:
        (tmp_path / "x.jsonl").write_bytes(content)
    assert resume_rows(tmp_path / "x.jsonl") == Counter()


@given(st.integers(0, len(WHOLE)))
def test_a_file_cut_anywhere_and_resumed_equals_the_whole_one(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("torn") / "x.jsonl"
    path.write_bytes(WHOLE[:cut])
    done = resume_rows(path)
    n_whole = sum(end <= cut for end in ENDS)
    assert done == Counter(KEYS[:n_whole])
    assert path.read_bytes() == WHOLE[: ([0, *ENDS])[n_whole]]
    with open_rows(path, resume=True) as out:
        for answer, key in zip(album(), KEYS, strict=True):
            if key not in done:
                append_row(out, answer)
    assert path.read_bytes() == WHOLE


def test_a_tail_of_zeros_after_a_crash_is_cut(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(WHOLE[: ENDS[0]] + b"\0" * 100)
    assert resume_rows(path) == {KEYS[0]: 1}
    assert path.read_bytes() == WHOLE[: ENDS[0]]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"my notes", 1),
        (b'{"a": 1}\n', 1),
        (b"[1]\n[2]\n", 1),
        (WHOLE[: ENDS[0]] + b"torn in the middle\n" + WHOLE[: ENDS[0]], 2),
        (WHOLE[: ENDS[0]] + WHOLE[ENDS[0] : ENDS[1] - 9] + b"\n" + WHOLE[: ENDS[0]], 2),
        (b"[" * 100_000 + b"\n", 1),
    ],
    ids=["words", "other object", "arrays", "words between", "torn between", "deep"],
)
def test_a_file_of_something_else_is_refused_and_left(content, line, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadOutput, match=rf"x\.jsonl, line {line}: not a prediction"):
        resume_rows(path)
    assert path.read_bytes() == content


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(BadOutput, match="cannot be written"):
        resume_rows(tmp_path)


def test_the_key_of_a_name_that_is_not_utf8_is_the_one_read_back(tmp_path):
    answer = prediction("caf\udce9.jpg")
    write_predictions([answer], tmp_path / "x.jsonl", "jsonl")
    assert resume_rows(tmp_path / "x.jsonl") == {key_of(answer): 1}
