"""The base of every configuration: frozen, typed, refusing unknown keys; and the hash that identifies a configuration."""

import hashlib
import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from geocairn.errors import BadConfig


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
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            known = f" (known keys: {', '.join(cls.model_fields)})" if first["type"] == "extra_forbidden" else ""
            raise BadConfig(f"{source}: {key} = {first.get('input')!r}: {first['msg']}{known}") from None

    def sha256(self) -> str:
        """Hash of the settings: equal settings give equal hashes, whatever the order in which they were written."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
