"""The map in a real browser: it draws, it says no word of trouble, and nothing in a photo's words runs."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from tests.export.factory import album, prediction

from geocairn.answer.prediction import ClueRecord
from geocairn.export.map import MapSettings, write_map

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OFFLINE = ("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking", "--disable-component-update", "--no-first-run")
ATTACKS = [
    "<img src=x onerror='document.body.dataset.hacked=1'>",
    "</script><script>document.body.dataset.hacked=1</script>",
    "{{@x}} $$\\href{javascript:1}{x}$$",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium")


def browse(page, folder, *flags):
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,900", "--virtual-time-budget=8000"]
    command += [*OFFLINE, f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("map")
    Image.new("RGB", (900, 600), (10, 200, 30)).save(folder / "a.png")
    clues = [ClueRecord(kind="hint", text=attack, box_px=[100, 100, 400, 300], supports=attack, log_odds=1.0) for attack in ATTACKS]
    candidates = [prediction().candidates[0].model_copy(update={"chain": [*ATTACKS]})]
    wild = prediction(str(folder / "a.png"), clues=clues, candidates=candidates)
    truth = {str(folder / "a.png"): (48.6, 2.0)}
    write_map([wild, *album()], folder / "map.html", truth_of=truth.get, settings=MapSettings(note=f"a note {ATTACKS[0]}"))
    return folder / "map.html"


def test_the_page_fills_itself_without_a_word_of_trouble(page, tmp_path):
    done = browse(page, tmp_path, "--dump-dom")
    assert 'data-ready="yes"' in done.stdout
    assert "data-hacked" not in done.stdout
    assert done.stdout.count("<rect") == len(ATTACKS)
    assert "&lt;img src=x onerror" in done.stdout
    assert "Truly taken at 48.6, 2, " in done.stdout
    assert "a note &lt;img" in done.stdout
    words = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not [line for line in words if any(sign in line for sign in ("Uncaught", "Refused", "violates", "ERR_", "Error"))], words


def test_the_map_is_drawn(page, tmp_path):
    browse(page, tmp_path, f"--screenshot={tmp_path / 'seen.png'}")
    with Image.open(tmp_path / "seen.png") as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    share = {
        name: (pixels == colour).all(1).mean()
        for name, colour in {"land": (251, 249, 244), "marker": (180, 35, 24), "truth": (202, 138, 4), "photo": (10, 200, 30)}.items()
    }
    assert share["land"] > 0.02
    assert share["marker"] > 0.0001
    assert share["truth"] > 0.0001
    greenish = (np.abs(pixels.astype(int) - (10, 200, 30)) < 12).all(1).mean()
    assert greenish > 0.02
