"""Write the schema of a prediction from its type: run `.venv/bin/python recipes/schema.py` after changing src/geocairn/answer/prediction.py."""

from pathlib import Path

from geocairn.answer.schema import schema_text

if __name__ == "__main__":
    out = Path(__file__).parents[1] / "src" / "geocairn" / "schema" / "prediction.json"
    out.write_text(schema_text(), encoding="utf-8")
    print(out)
