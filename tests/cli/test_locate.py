import io
import json
import os
import signal
import sys
import time

import pytest
from PIL import Image
from tests.cli.command import start

PRIOR = ("--bundle", "prior")


def rows(text):
    """Predictions without what differs from run to run."""
    answers = [json.loads(line) for line in text.splitlines()]
    for answer in answers:
        answer["provenance"]["seconds"] = None
    return answers


def names(text):
    return [os.path.basename(answer["photo"]) for answer in rows(text)]


def test_a_folder_is_answered_in_order_as_jsonl_where_there_is_no_terminal(geocairn, photos):
    ran = geocairn("locate", photos, *PRIOR)
    assert (ran.code, ran.err) == (0, "")
    assert names(ran.out) == ["a.jpg", "b.png", "c.jpg"]
    assert all(answer["candidates"] and answer["error"] is None for answer in rows(ran.out))


def test_globs_files_and_folders_come_in_the_order_given(geocairn, photos):
    ran = geocairn("locate", photos / "c.jpg", photos / "*.png", photos, *PRIOR)
    assert names(ran.out) == ["c.jpg", "b.png", "a.jpg", "b.png", "c.jpg"]


def test_a_list_on_standard_input(geocairn, photos, monkeypatch):
    words = f"{photos}/c.jpg\n\n{photos}/a.jpg\r\n".encode() + os.fsencode(photos) + b"/caf\xe9.jpg\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(words), encoding="ascii"))
    ran = geocairn("locate", "-", *PRIOR)
    assert ran.code == 1
    assert names(ran.out) == ["c.jpg", "a.jpg", "caf\\udce9.jpg"]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "geojson", "kml", "csv", "gpx"])
def test_the_suffix_says_the_format_and_what_was_there_is_replaced(geocairn, photos, tmp_path, suffix):
    out = tmp_path / f"x.{suffix}"
    out.write_text("left from before\n" * 10_000)
    ran = geocairn("locate", photos / "a.jpg", *PRIOR, "--within", "MC", "--out", out)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    text = out.read_text()
    assert "left from before" not in text
    assert text.startswith(
        {"json": "[", "jsonl": "{", "geojson": "{", "kml": "<?xml", "csv": "photo,lat_deg,lon_deg,radius_km,p,country", "gpx": "<?xml"}[suffix]
    )


def test_a_format_may_be_named_instead(geocairn, photos, tmp_path):
    assert geocairn("locate", photos / "a.jpg", *PRIOR, "--format", "csv").out.startswith("photo,lat_deg,lon_deg")
    assert "estimates, not facts" in geocairn("locate", photos / "a.jpg", *PRIOR, "--format", "table").out
    geocairn("locate", photos / "a.jpg", *PRIOR, "--format", "csv", "--out", tmp_path / "x.txt")
    assert (tmp_path / "x.txt").read_text().startswith("photo,lat_deg")


REFUSED = {
    "a suffix that is no format": (("--out", "{tmp}/x.doc"), "{tmp}/x.doc: the suffix '.doc' is no format"),
    "a table in a file": (("--out", "{tmp}/x.csv", "--format", "table"), "--format table --out {tmp}/x.csv: a table is for the terminal"),
    "a folder that is not there": (("--out", "{tmp}/no/x.csv"), "{tmp}/no/x.csv: the folder {tmp}/no does not exist"),
    "a folder for a file": (("--out", "{tmp}", "--format", "csv"), "{tmp}: is a folder"),
    "a map in a folder that is not there": (("--map", "{tmp}/no/x.html"), "{tmp}/no/x.html: the folder"),
    "nothing to continue": (("--resume",), "--resume: only a JSONL file can be continued; add --out FILE.jsonl"),
    "continuing a CSV": (("--resume", "--out", "{tmp}/x.csv"), "--resume: only a JSONL file can be continued"),
    "continuing a joint answer": (("--resume", "--out", "{tmp}/x.jsonl", "--together"), "--resume --together: a joint answer cannot be continued"),
    "continuing with a map": (("--resume", "--out", "{tmp}/x.jsonl", "--map", "{tmp}/x.html"), "--resume --map: the map would lack"),
    "continuing somebody's data": (("--resume", "--out", "{tmp}/notes.jsonl"), "{tmp}/notes.jsonl, line 1: not a prediction"),
    "an unknown bundle": (("--bundle", "best"), "bundle 'best': there is no such bundle; use one of clues, prior"),
    "a bundle without a name": (("--bundle", ""), "bundle '': there is no such bundle"),
    "an unknown country": (("--within", "ZZ"), "--within 'ZZ': 'ZZ' is neither a country code nor a place id"),
    "an empty limit": (("--within", ""), "--within '': is empty"),
    "a limit that is no file": (("--within", "{tmp}/absent.geojson"), "--within {tmp}/absent.geojson: cannot be read"),
}


@pytest.mark.parametrize(("words", "line"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_one_line_before_the_work(geocairn, photos, tmp_path, words, line):
    (tmp_path / "notes.jsonl").write_text("my notes\nand more\n")
    before = sorted(tmp_path.iterdir())
    bundle = () if "--bundle" in words else PRIOR
    assert geocairn.refused("locate", photos, *bundle, *(word.format(tmp=tmp_path) for word in words)).startswith(line.format(tmp=tmp_path))
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "notes.jsonl").read_text() == "my notes\nand more\n"


def test_a_folder_without_photos_is_one_line(geocairn, tmp_path):
    (tmp_path / "empty").mkdir()
    assert geocairn.refused("locate", tmp_path / "empty", *PRIOR).startswith(f"{tmp_path}/empty: no photos found there")


def test_photos_that_fail_are_rows_lines_on_standard_error_and_exit_1(geocairn, photos, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (photos / "b.png").write_text("text")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.jpg"
    Image.new("RGB", (9, 9)).save(os.fsdecode(odd), "JPEG")
    ran = geocairn("locate", photos, tmp_path / "absent.jpg", tmp_path / "pipe.jpg", tmp_path / "loop.jpg", os.fsdecode(odd), *PRIOR)
    assert ran.code == 1
    errors = [answer["error"] for answer in rows(ran.out)]
    assert [error is None for error in errors] == [True, False, True, False, False, False, True]
    assert ran.err.splitlines() == [f"geocairn: {error}" for error in errors if error is not None]
    assert names(ran.out)[-1] == "\\udcff\\udcfe.jpg"


def test_settings_reach_the_answer(geocairn, photos):
    (plain,) = rows(geocairn("locate", photos / "a.jpg", *PRIOR).out)
    (japan,) = rows(geocairn("locate", photos / "a.jpg", *PRIOR, "--within", "JP", "--top", "2", "--finest", "country").out)
    assert [level["id"] for level in japan["levels"]] == ["JP"]
    assert [candidate["chain"] for candidate in japan["candidates"]] == [["Japan"]]
    assert plain["provenance"]["settings_sha256"] != japan["provenance"]["settings_sha256"]
    (hinted,) = rows(geocairn("locate", photos / "a.jpg", *PRIOR, "--hint", "Zürich").out)
    assert hinted["levels"][0]["id"] == "CH"
    (large,) = rows(geocairn("locate", photos / "a.jpg", *PRIOR, "--max-pixels", "100").out)
    assert "over the limit" in large["error"]


def test_where_results_go_is_no_setting_of_theirs(geocairn, photos, tmp_path):
    (plain,) = rows(geocairn("locate", photos / "a.jpg", *PRIOR).out)
    geocairn("locate", photos / "a.jpg", *PRIOR, "--out", tmp_path / "x.jsonl", "--map", tmp_path / "x.html")
    assert rows((tmp_path / "x.jsonl").read_text()) == [plain]
    assert (tmp_path / "x.html").read_text().startswith("<!DOCTYPE html>")


def test_photos_taken_together_are_one_joint_answer(geocairn, photos):
    ran = geocairn("locate", photos, *PRIOR, "--together")
    assert ran.code == 0
    assert [clue["kind"] for answer in rows(ran.out) for clue in answer["clues"]] == ["together"] * 3


def test_an_interrupted_run_continued_is_the_whole_run_wherever_it_was_cut(geocairn, photos, tmp_path):
    """A photo listed twice is answered twice, and a row with an error counts as done."""
    listed = [photos / "a.jpg", photos / "b.png", tmp_path / "absent.jpg", photos / "a.jpg", photos / "c.jpg"]
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    assert geocairn("locate", *listed, *PRIOR, "--out", whole).code == 1
    content = whole.read_bytes()
    ends = [0, *(index + 1 for index, byte in enumerate(content) if byte == 10)]
    assert len(ends) == 6
    for at in sorted({*ends, *(end + 1 for end in ends[:-1]), *(end - 1 for end in ends[1:]), ends[2] + 700, ends[4] - 300}):
        cut.write_bytes(content[:at])
        ran = geocairn("locate", *listed, *PRIOR, "--out", cut, "--resume")
        assert rows(cut.read_text()) == rows(whole.read_text()), at
        assert ran.code == (1 if at < ends[3] else 0)
    ran = geocairn("locate", *listed, *PRIOR, "--out", cut, "--resume")
    assert (ran.code, ran.err) == (0, "")
    assert rows(cut.read_text()) == rows(whole.read_text())


def test_other_settings_and_other_bytes_are_other_work(geocairn, photos, tmp_path):
    out = tmp_path / "x.jsonl"
    geocairn("locate", photos, *PRIOR, "--out", out)
    ran = geocairn("locate", photos, *PRIOR, "--out", out, "--resume", "--within", "FR")
    told = f"geocairn: {out}: 3 rows of other settings or another bundle are in it and stay; name another --out to keep the runs apart\n"
    assert (ran.code, ran.err) == (0, told)
    assert len(rows(out.read_text())) == 6
    Image.new("RGB", (30, 30)).save(photos / "a.jpg")
    geocairn("locate", photos, *PRIOR, "--out", out, "--resume")
    assert names(out.read_text()) == ["a.jpg", "b.png", "c.jpg"] * 2 + ["a.jpg"]


def test_one_process_and_two_write_the_same_rows(geocairn, photos, tmp_path):
    listed = [photos, tmp_path / "absent.jpg", photos / "a.jpg"]
    one, two = (geocairn("locate", *listed, *PRIOR, "--jobs", jobs) for jobs in (1, 2))
    assert one.code == two.code == 1
    assert rows(one.out) == rows(two.out)
    assert one.err == two.err


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_whole_rows_that_can_be_continued(atlas, photos, tmp_path, jobs):
    out = tmp_path / "x.jsonl"
    running = start("locate", "-", *PRIOR, "--jobs", str(jobs), "--out", out, start_new_session=True)
    running.stdin.write(f"{photos}/a.jpg\n".encode() * 100_000)
    running.stdin.close()
    deadline = time.monotonic() + 60
    while (not out.exists() or out.stat().st_size < 20_000) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    running.stdin = None
    try:
        _, err = running.communicate(timeout=30)
    finally:
        running.kill()
    assert (running.returncode, err.decode()) == (130, "geocairn: interrupted\n")
    assert 5 < len(rows(out.read_text())) < 100_000
    assert out.read_text().endswith("\n")


def test_a_photo_to_read_is_never_written_over(geocairn, tmp_path):
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (40, 30), "red").save(photo)
    before = photo.read_bytes()
    (tmp_path / "link.json").symlink_to(photo)
    for words in (["--out", photo, "--format", "json"], ["--out", tmp_path / "link.json"], ["--map", photo]):
        geocairn.refused("locate", photo, *PRIOR, *words)
        assert photo.read_bytes() == before


def test_a_hint_in_a_sentence_names_places_with_a_capital(geocairn, photos):
    pytest.importorskip("rapidfuzz")
    for words, country in (("a photo my grandmother took on her holiday at the mill", None), ("near the cathedral of Burgos", "ES")):
        (answer, *_) = rows(geocairn("locate", photos / "a.jpg", *PRIOR, "--hint", words).out)
        assert [level["id"] for level in answer["levels"][:1]] == ([country] if country else [])
