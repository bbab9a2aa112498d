"""What the lines of a recipe say behind their values."""

import tomllib
from pathlib import Path
from typing import Any


def marks(recipe: Path) -> dict[str, str]:
    """From each key (`model.image.hidden`) to the comment on its line, "" where there is none."""
    found, table = {}, ""
    for line in recipe.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = line.strip("[]") + "."
        elif " = " in line and not line.startswith("#"):
            key, _, rest = line.partition(" = ")
            found[table + key] = rest.partition("  # ")[2]
    return found


def values(recipe: Path) -> dict[str, Any]:
    """From each key to its value."""
    return flat(tomllib.loads(recipe.read_text(encoding="utf-8")))


def flat(tables: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Tables in tables -> from each key to its value."""
    found = {}
    for key, value in tables.items():
        found |= flat(value, f"{path}{key}.") if isinstance(value, dict) else {path + key: value}
    return found
