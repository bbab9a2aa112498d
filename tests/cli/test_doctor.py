from geocairn.cli import checks, doctor
from geocairn.cli.checks import Check, run_checks


def test_it_says_what_is_installed_and_how_to_mend_the_rest(geocairn):
    ran = geocairn("doctor")
    lines = ran.out.splitlines()
    states = [line.split()[0] for line in lines]
    assert set(states) <= {"ok", "optional", "missing"}
    assert ran.code == (1 if "missing" in states else 0)
    assert all("; mend: " in line for line, state in zip(lines, states, strict=True) if state != "ok")
    assert any("places: built in" in line for line in lines)
    assert any("tesseract" in line for line in lines)


def test_it_exits_1_where_something_is_missing(geocairn, monkeypatch):
    monkeypatch.setattr(checks, "TEXT_PACKAGES", ("no-such-package-of-ours",))
    ran = geocairn("doctor")
    assert ran.code == 1
    assert "missing  no-such-package-of-ours: not installed; mend: pip install geocairn[text]" in ran.out.splitlines()


def test_encoders_may_be_missing(monkeypatch):
    monkeypatch.setattr(checks, "ENCODER_PACKAGES", ("no-such-package-of-ours",))
    (found,) = (check for check in run_checks() if check.what == "no-such-package-of-ours")
    assert (found.state, found.mend) == ("optional", "pip install geocairn[encoders] to extract features of photos")


def test_without_tesseract_it_says_what_is_read_poorly(monkeypatch):
    monkeypatch.setattr(checks.shutil, "which", lambda name: None)
    (found,) = (check for check in run_checks() if check.what == "tesseract")
    assert found.state == "optional"
    assert "Devanagari" in found.found
    assert found.mend.startswith("apt install tesseract-ocr")


def test_places_not_built_yet_are_no_fault(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOCAIRN_CACHE", str(tmp_path))
    (found,) = (check for check in run_checks() if check.what == "places")
    assert found == Check("places", "optional", f"not built yet in {tmp_path}", "the first run builds them")
    assert doctor.__doc__
