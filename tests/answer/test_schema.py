import json
from importlib.resources import files

import jsonschema
import pytest
from tests.export.factory import album, prediction

from geocairn.answer.schema import prediction_schema, schema_text

CONTRACT_EXAMPLE = {
    "photo": "p.jpg",
    "sha256": "...",
    "error": None,
    "abstain": None,
    "levels": [{"level": "country", "id": "FR", "name": "France", "p": 0.91}],
    "candidates": [{"rank": 1, "lat_deg": 48.85, "lon_deg": 2.35, "radius_km": 12.0, "p": 0.71, "chain": ["France", "Paris"]}],
    "regions": [{"nominal": 0.5, "mass": 0.56, "area_km2": 812.0}],
    "clues": [{"kind": "toponym", "text": "Paris", "box_px": [10, 20, 80, 40], "supports": "FR/11", "log_odds": 3.2}],
    "claimed": {"source": "exif", "lat_deg": 48.86, "lon_deg": 2.34, "distance_km": 1.2},
    "provenance": {"bundle": "clues", "bundle_sha256": "...", "version": "0.1.0", "settings_sha256": "...", "seconds": 0.4},
}


def test_the_shipped_schema_is_the_types():
    shipped = files("geocairn.schema") / "prediction.json"
    assert shipped.read_text(encoding="utf-8") == schema_text(), "run .venv/bin/python recipes/schema.py"


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(prediction_schema())


@pytest.mark.parametrize("answer", album(), ids=lambda answer: (answer.error or answer.abstain or answer.photo)[:12])
def test_real_predictions_are_valid(answer):
    jsonschema.validate(json.loads(answer.to_json()), prediction_schema())


def test_a_prediction_without_the_fields_that_have_defaults_is_valid():
    jsonschema.validate(CONTRACT_EXAMPLE, prediction_schema())


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"photo": None}, {"levels": [{"level": "country"}]}, {"regions": [{"nominal": 0.5, "mass": 0.6, "area_km2": 1, "members": ""}]}],
)
def test_the_schema_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(prediction().to_dict() | change, prediction_schema())
