"""The command, with places that are already built, and a few photos."""

from pathlib import Path

import pytest
from PIL import Image
from tests.cli.command import Command


@pytest.fixture
def geocairn(atlas, monkeypatch, capsys) -> Command:
    return Command(monkeypatch, capsys)


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of three photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, name in enumerate(("a.jpg", "b.png", "c.jpg")):
        Image.linear_gradient("L").rotate(30 * index).convert("RGB").save(folder / name)
    return folder
