"""The base of every configuration: frozen, typed, refusing unknown keys; and the hash that identifies a configuration."""

import hashlib
import json
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from geocairn.errors import BadConfig

_LONGEST_VALUE = 120


class Fault(NamedTuple):
    """What is wrong with a setting: its key, dotted; its value, None where it is missing or several keys are at fault together; and what was expected."""

    key: str
    value: str | None
    words: str

    @property
    def told(self) -> str:
        """All of it."""
        return self.words if not self.key else f"{self.key}: {self.words}" if self.value is None else f"{self.key} = {self.value}: {self.words}"


class Config(BaseModel):
    """A frozen set of settings: unknown keys are refused and every key is documented by its field."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls, source: str, values: dict[str, Any]) -> Self:
        """Check `values` read from `source` (a file or flag, for the message).

        Raises:
            BadConfig: one line naming the source, the key, the value and what was expected.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise BadConfig(f"{source}: {cls.fault_of(error).told}") from None

    @classmethod
    def fault_of(cls, error: ValidationError) -> Fault:
        """The first fault that `error` found in values of this class; of an unknown key, with the known ones beside it."""
        first = error.errors()[0]
        if first["type"] == "missing":
            return _missing(first["loc"], first["input"])
        key = ".".join(str(part) for part in first["loc"])
        known = f" (known keys: {', '.join(cls._keys_at(first['loc'][:-1]))})" if first["type"] == "extra_forbidden" else ""
        words = first["msg"].removeprefix("Value error, ")
        # A fault of several keys together has no value of its own.
        is_table = not key or (first["type"] == "value_error" and isinstance(first.get("input"), dict))
        return Fault(key, None if is_table else _shown(first.get("input")), f"{words}{known}")

    @classmethod
    def _keys_at(cls, path: tuple[int | str, ...]) -> list[str]:
        """Known keys of the settings at `path`, or of the outermost ones where the path leaves the fields that hold settings themselves."""
        inner: type[BaseModel] = cls
        for part in path:
            field = inner.model_fields.get(str(part))
            if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
                return list(cls.model_fields)
            inner = field.annotation
        return list(inner.model_fields)

    def sha256(self) -> str:
        """Hash of the settings: equal settings give equal hashes, whatever the order in which they were written."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def _missing(path: tuple[int | str, ...], around: Any) -> Fault:
    """What is said of a setting that is not there; of a value that a list lacks, by the list."""
    if isinstance(path[-1], int):
        return Fault(".".join(map(str, path[:-1])), _shown(around), f"value {path[-1] + 1} is missing; give it")
    return Fault(".".join(map(str, path)), None, "is missing; give it")


def _shown(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= _LONGEST_VALUE else f"{words[:_LONGEST_VALUE]}..."
