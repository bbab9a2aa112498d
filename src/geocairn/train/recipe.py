"""Recipes: a TOML file and overrides from the command line -> frozen settings, every key known and of its type."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from geocairn.config import Config, Fault
from geocairn.errors import BadConfig, UnknownName
from geocairn.train.settings import TrainSettings

_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
# What TOML would have to read as a string, list or table: where it cannot, quotes or brackets are missing.
_OPENS_VALUE = ("'", '"', "[", "{")


class AnyRecipe(Config):
    """What every recipe says; each system adds its own tables, such as `[data]`, `[places]` and `[model]`."""

    system: str = Field(min_length=1, description="which system is trained")

    def data_used(self) -> Mapping[str, str]:
        """What is learned from, by name, as hashes and names that differ where the data do; nothing where the recipe says it all."""
        return {}

    def rows_left_out(self) -> Iterable[str]:
        """What rows of its manifests cannot be used, in words; nothing where all can, or where it has none."""
        return ()

    def makes_features(self) -> bool:
        """Whether the run extracts features itself, into its own store."""
        return False


class Recipe(AnyRecipe):
    """What every recipe of a system says that learns step by step."""

    train: TrainSettings = TrainSettings()


SomeRecipe = TypeVar("SomeRecipe", bound=AnyRecipe)


def read_recipe(path: Path, overrides: Sequence[str], kinds: Mapping[str, type[SomeRecipe]]) -> SomeRecipe:
    """Read a recipe and put the overrides over it.

    Args:
        path: TOML.
        overrides: `key=value` with a dotted key; the value as in TOML, and a bare word is a string.
        kinds: the class of each system's recipes, by the name that `system` gives.

    Raises:
        BadConfig: no such file, no TOML, an override that cannot be read, an unknown key or a value of another type: one line with the known keys.
        UnknownName: `system` is none of the kinds; the message lists them.
    """
    values = read_toml(path)
    for override in overrides:
        _put(values, override)
    system = values.get("system")
    if not isinstance(system, str) or system not in kinds:
        told = next((override for override in reversed(overrides) if override.partition("=")[0].strip() == "system"), f"{path}: system = {system!r}")
        raise UnknownName(f"{told}: use one of {', '.join(kinds)}")
    return parse_recipe(kinds[system], values, source=str(path), overrides=overrides)


def parse_recipe(kind: type[SomeRecipe], values: Mapping[str, Any], *, source: str, overrides: Sequence[str] = ()) -> SomeRecipe:
    """Check the values of a recipe, each strictly of its type: no number is taken for a text, no truth for a number.

    Raises:
        BadConfig: one line naming the override or the source, the key, the value and what was expected.
    """
    try:
        # Through JSON, where lists may become tuples and texts paths, though nothing else changes its type.
        return kind.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise BadConfig(_told(kind.fault_of(error), source, overrides)) from None


def _told(fault: Fault, source: str, overrides: Sequence[str]) -> str:
    """A fault with the override or the file that it comes from; of keys that do not go together, with all overrides of them."""
    keys = {override: override.partition("=")[0].strip() for override in overrides}
    at_fault = [override for override, key in keys.items() if f"{fault.key}.".startswith(f"{key}.")]
    if at_fault:
        return f"{at_fault[-1]}: {fault.words if keys[at_fault[-1]] == fault.key else fault.told}"
    beneath = [override for override, key in keys.items() if f"{key}.".startswith(f"{fault.key}." if fault.key else "")]
    return f"{' with '.join([source, *beneath])}: {fault.told}"


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        BadConfig: no such file, or not readable as TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except IsADirectoryError:
        raise BadConfig(f"{path}: is a folder; name a recipe (.toml)") from None
    except (FileNotFoundError, NotADirectoryError):
        raise BadConfig(f"{path}: no such file; name a recipe (.toml)") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadConfig(f"{path}: not readable as TOML ({' '.join(str(error).split())})") from None


def parse_override(override: str) -> tuple[tuple[str, ...], Any]:
    """Path and value of `key=value`.

    Raises:
        BadConfig: no dotted key, no value, or a value that opens a string, list or table and does not close it.

    >>> parse_override("train.lr=1e-3"), parse_override("places.leaked=true"), parse_override("data.dir=/data/earth")
    ((('train', 'lr'), 0.001), (('places', 'leaked'), True), (('data', 'dir'), '/data/earth'))
    """
    key, separator, text = (part.strip() for part in override.partition("="))
    if not separator or not _KEY.fullmatch(key):
        raise BadConfig(f"{override}: write key=value, such as train.lr=1e-3")
    if not text:
        raise BadConfig(f"{override}: no value after the =; write key=value, or leave it out")
    return tuple(key.split(".")), _parsed_value(override, text)


def _parsed_value(override: str, text: str) -> Any:
    try:
        values = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        values = {}
        if text.startswith(_OPENS_VALUE):
            raise BadConfig(f"{override}: not a value as in TOML ({error})") from None
    # A text with line ends could hold further keys.
    return values["value"] if set(values) == {"value"} else text


def _put(values: dict[str, Any], override: str) -> None:
    path, value = parse_override(override)
    table = values
    for depth, part in enumerate(path[:-1], start=1):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise BadConfig(f"{override}: {'.'.join(path[:depth])} is a value, not a table of settings")
    table[path[-1]] = value
