import re
import subprocess

import pytest
from tests.cli.command import start

FLAGS = {
    "locate": "--bundle --top --within --hint --encoder --together --exif --finest --decide --out --format --map --jobs --resume --max-bytes --max-pixels "
    "--max-frames",
    "evaluate": "--bundle --predictions --oracle --oracle-level --photos --encoder --protocol --group-by --against --decide --out --jobs",
    "calibrate": "--photos --encoder --out --jobs",
    "train": "--out --resume --dry-run",
    "bundle list": "--json",
    "bundle show": "--json",
    "bundle verify": "",
    "bundle export": "--out",
    "bundle pull": "--out --sha256",
    "demo": "--out --jobs --skip-training",
    "doctor": "",
    "places verify": "--start-level",
    "places export": "--out --coords --split --drop-uncovered",
    "places plot": "--out --level",
    "places show": "--place --json",
    "places build s2": "--coords --out --t-min --t-max --start-level --place --split",
    "places build cells": "--out --start-level",
    "places build entities": "--manifest --out --labels --polygons --split",
    "places build tree": "--coords --out --vectors --branches --seed --split",
    "data import": "--out --images --require-images --salt --photo-column --lat-column --lon-column --author-column --column --keep --keep-photo-ids "
    "--trust-coordinates --json",
    "data sample": "--n --seed --radius-km --max-per-city --min-population --out --beside",
    "data lorenz": "--min-population --cell-level --out --json",
    "data split": "--by --out --fractions --cell-km --seed --json",
    "data synth": "--out --photos --seed --cities --with --set",
    "features extract": "--encoder --out --photos --batch-size --jobs --device --precision",
    "features verify": "",
}


def listed(text):
    return re.findall(r"^  (\w+) ", text.split("Commands:")[1], re.MULTILINE)


def commands_below(geocairn, *words):
    """All commands that the help of a group leads to."""
    ran = geocairn(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    if "Commands:" not in ran.out:
        return [" ".join(words)]
    return [command for word in listed(ran.out) for command in commands_below(geocairn, *words, word)]


def test_help_lists_the_commands_that_exist_and_no_others(geocairn):
    assert sorted(commands_below(geocairn)) == sorted(FLAGS)


@pytest.mark.parametrize(("command", "flags"), FLAGS.items())
def test_every_flag_is_in_the_help(geocairn, command, flags):
    ran = geocairn(*command.split(), "--help")
    assert ran.code == 0
    assert set(re.findall(r"^  (--[a-z0-9-]+)", ran.out, re.MULTILINE)) == {*flags.split(), "--help"}


def test_the_version(geocairn):
    ran = geocairn("--version")
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(r"geocairn \d+\.\d+\.\d+\n", ran.out)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("nosuch", "No such command 'nosuch'; see `geocairn --help`"),
        ("locate --zzz x.jpg", "No such option: --zzz; see `geocairn locate --help`"),
        ("locate", "Missing argument 'PATH...'; see `geocairn locate --help`"),
        ("places nosuch", "No such command 'nosuch'; see `geocairn places --help`"),
    ],
)
def test_wrong_usage_is_one_line_that_says_where_help_is(geocairn, words, line):
    assert geocairn.refused(*words.split()) == line


@pytest.mark.parametrize(
    "words", ["locate x.jpg --top 0", "locate x.jpg --top many", "locate x.jpg --finest street", "locate x.jpg --jobs 0", "locate x.jpg --format xml"]
)
def test_a_value_out_of_range_is_one_line_that_names_the_flag(geocairn, words):
    assert words.split()[2] in geocairn.refused(*words.split())


def test_no_words_at_all_give_the_help_and_exit_2(geocairn):
    for words in ([], ["places"]):
        ran = geocairn(*words)
        assert ran.code == 2
        assert "Commands:" in ran.err


def test_a_full_disk_behind_standard_output_is_one_line(atlas, photos):
    with open("/dev/full", "wb") as full:
        ran = start("locate", photos, "--bundle", "prior", stdout=full)
        _, err = ran.communicate(timeout=60)
    assert ran.returncode == 2
    assert err.decode() == "geocairn: output: No space left on device; make room, or choose another place\n"


def test_a_reader_that_goes_away_is_no_traceback(atlas, photos):
    ran = start("locate", "-", "--bundle", "prior", stdin=subprocess.PIPE)
    ran.stdout.close()
    _, err = ran.communicate(f"{photos}/a.jpg\n".encode() * 20, timeout=60)
    assert ran.returncode == 1
    assert err == b""
