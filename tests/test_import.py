"""Importing does nothing: neither the package nor the command's help loads what takes long to load."""

import subprocess
import sys

import pytest

import geocairn

SLOW = ("torch", "pandas", "transformers", "scipy", "matplotlib", "numpy", "bokeh", "pyarrow", "shapely", "PIL", "onnxruntime", "rapidocr", "lingua")
LIST_MODULES = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
HELP = """
import sys
sys.argv = ["geocairn", *{words!r}]
from geocairn.cli.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""


def loaded(code):
    run = subprocess.run([sys.executable, "-c", code + "\n" + LIST_MODULES], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def test_the_package_loads_nothing_slow():
    found = loaded("import geocairn")
    assert "geocairn" in found
    assert not found & {*SLOW, "pydantic", "typer", "rich"}


@pytest.mark.parametrize("words", [["--help"], ["locate", "--help"], ["evaluate", "--help"], ["places", "show", "--help"], ["--version"]])
def test_help_loads_nothing_slow(words):
    assert not loaded(HELP.format(words=words)) & set(SLOW)


def test_public_names_are_there_and_no_others():
    for name in geocairn.__all__:
        assert getattr(geocairn, name) is not None
    with pytest.raises(AttributeError, match="module 'geocairn' has no attribute 'Locater'; it has GeocairnError, Locator"):
        _ = geocairn.Locater
