"""The JSON schema of a prediction, made from the type itself; the package ships it as `geocairn/schema/prediction.json`."""

import json
from typing import Any

from geocairn.answer.prediction import Answer, Prediction

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def prediction_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of what `Prediction.to_json` writes and `Prediction.model_validate_json` reads back.

    Fields with a default may be absent; fields that are not part of the JSON are not part of the schema.
    """
    schema = Prediction.model_json_schema()
    _leave_out_excluded(schema, Prediction)
    for part in Answer.__subclasses__():
        if part.__name__ in schema["$defs"]:
            _leave_out_excluded(schema["$defs"][part.__name__], part)
    return {"$schema": SCHEMA_DIALECT} | schema


def schema_text() -> str:
    """The schema as the file's text."""
    return json.dumps(prediction_schema(), indent=2, ensure_ascii=False) + "\n"


def _leave_out_excluded(schema: dict[str, Any], part: type[Answer]) -> None:
    for name, field in part.model_fields.items():
        if field.exclude:
            del schema["properties"][name]
