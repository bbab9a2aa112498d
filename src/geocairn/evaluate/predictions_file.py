"""A file of predictions, matched to the photos of a manifest."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pydantic import ValidationError

from geocairn.answer.prediction import Prediction
from geocairn.cells import plain_cell, utf8_fault
from geocairn.errors import BadManifest
from geocairn.evaluate.guess import ABSENT, Guess, LevelGuess, Spot, guess_from_prediction
from geocairn.evaluate.truth import Places
from geocairn.manifest import Manifest, Table, file_sha256, read_latlon, read_table

LEVELS = ("country", "region", "subregion", "city")

Row = tuple[int, str, Guess]  # number in the file, photo, guess


@dataclass(frozen=True)
class GuessFile:
    """Predictions of a file, in the order of a manifest.

    Attributes:
        guesses: one per photo of the manifest; `ABSENT` where the file has none.
        sha256: hash of the file's bytes.
        n_unmatched: predictions of the file for photos that the manifest does not have.
        notes: what a reader of the figures must know.
    """

    guesses: list[Guess]
    sha256: str
    n_unmatched: int
    notes: list[str]


def read_guesses(path: Path, manifest: Manifest, *, places: Places) -> GuessFile:
    """Read predictions and match them to a manifest.

    A `.csv` or `.parquet` has the columns photo, lat_deg, lon_deg and may have radius_km, p, country, region, subregion, city, abstain, error (what
    `locate --format csv` and `evaluate` write); a row without both coordinates is a failure. A `.jsonl` has one Prediction a line. Photos are matched by the
    name as it stands, else by the file name where no other photo or prediction bears it.

    Raises:
        BadManifest: unreadable, a line that is no prediction, two different predictions for a photo, or none for any photo of the manifest.
        BadCoordinate: a coordinate that is no number or not on Earth, with its row.
    """
    path = Path(path)
    rows = list(_rows_of_jsonl(path) if path.suffix.lower() == ".jsonl" else _rows_of_table(read_table(path), places))
    by_photo = _one_per_photo(path, rows)
    matched = match_names(manifest.photos, list(by_photo))
    if not by_photo:
        raise BadManifest(f"{path}: it holds no prediction; give at least one photo with lat_deg and lon_deg")
    if not any(matched):
        raise BadManifest(
            f"{path}: none of its {len(by_photo)} photos is in {manifest.path} (here {next(iter(by_photo))!r}, there {manifest.photos[0]!r}); "
            "name the photos alike"
        )
    guesses = [by_photo[name] if name is not None else ABSENT for name in matched]
    n_unmatched = len(by_photo) - sum(name is not None for name in matched)
    return GuessFile(guesses, file_sha256(path), n_unmatched, _notes(guesses, n_unmatched))


def match_names(wanted: Sequence[str], offered: Sequence[str]) -> list[str | None]:
    """For each wanted photo, the offered name that means it; None where there is none.

    >>> match_names(["a.jpg", "b.jpg", "c.jpg"], ["b.jpg", "photos/a.jpg"])
    ['photos/a.jpg', 'b.jpg', None]
    """
    exact = {plain_cell(name): name for name in offered} | {name: name for name in offered}
    left = set(offered) - {exact[name] for name in wanted if name in exact}
    by_file_name = _unique_by_file_name([name for name in offered if name in left])
    wanted_once = _unique_by_file_name(wanted)
    return [exact.get(name) or (by_file_name.get(PurePath(name).name) if wanted_once.get(PurePath(name).name) else None) for name in wanted]


def _rows_of_table(table: Table, places: Places) -> Iterator[Row]:
    names, latlon_deg = table.column("photo"), read_latlon(table)
    cells: Mapping[str, Sequence[str | None]] = {
        column: table.columns.get(column, (None,) * len(names)) for column in (*LEVELS, "radius_km", "p", "abstain", "error")
    }
    for index, name in enumerate(names):
        if name is None:
            raise BadManifest(f"{table.path}, row {table.rows[index]}: no photo; a prediction must say whose it is")
        row = {column: column_cells[index] for column, column_cells in cells.items()}
        yield table.rows[index], name, _guess_of_row(table, index, row, tuple(latlon_deg[index].tolist()), places)


def _guess_of_row(table: Table, index: int, row: Mapping[str, str | None], latlon_deg: tuple[float, ...], places: Places) -> Guess:
    lat_deg, lon_deg = latlon_deg
    absent = [name for name, degrees in (("lat_deg", lat_deg), ("lon_deg", lon_deg)) if degrees != degrees]
    if row["error"] is not None or absent:
        return Guess(error=row["error"] or ("no coordinates" if len(absent) == 2 else f"no {absent[0]} beside the other coordinate"))
    radius_km, p = (_positive(table, index, column, row[column]) for column in ("radius_km", "p"))
    labels = {level: places.label_from_text(level, plain_cell(text)) for level in LEVELS if (text := row[level]) is not None}
    return Guess((Spot(lat_deg, lon_deg, radius_km, p),), {level: LevelGuess(label, None) for level, label in labels.items()}, abstain=row["abstain"])


def _positive(table: Table, index: int, column: str, cell: str | None) -> float | None:
    if cell is None:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf") or (column == "p" and number > 1):
        raise BadManifest(f"{table.path}, row {table.rows[index]}: {column} {cell!r} is not {'in [0, 1]' if column == 'p' else 'a distance in km'}")
    return number


def _rows_of_jsonl(path: Path) -> Iterator[Row]:
    if not path.is_file():
        raise BadManifest(f"{path}: {'not a plain file' if path.exists() else 'no such file'}; name a .csv, .parquet or .jsonl file of predictions")
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    prediction = Prediction.model_validate_json(line)
                    yield number, prediction.photo, guess_from_prediction(prediction, -1)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the line"
        raise BadManifest(f"{path}, row {number}: not a prediction ({key}: {first['msg']}); each line is one answer as `geocairn locate` writes it") from None
    except UnicodeDecodeError:
        raise BadManifest(f"{path}: {utf8_fault(path)}; save it as UTF-8") from None
    except OSError as error:
        raise BadManifest(f"{path}: cannot be read ({error.strerror})") from None


def _one_per_photo(path: Path, rows: Sequence[Row]) -> dict[str, Guess]:
    by_photo: dict[str, Guess] = {}
    first_row: dict[str, int] = {}
    for row, name, guess in rows:
        if by_photo.get(name, guess) != guess:
            raise BadManifest(f"{path}, row {row}: photo {name!r} has another prediction in row {first_row[name]}; keep one prediction a photo")
        by_photo.setdefault(name, guess)
        first_row.setdefault(name, row)
    return by_photo


def _unique_by_file_name(names: Sequence[str]) -> dict[str, str]:
    counts = Counter(PurePath(name).name for name in names)
    return {PurePath(name).name: name for name in names if counts[PurePath(name).name] == 1}


def _notes(guesses: Sequence[Guess], n_unmatched: int) -> list[str]:
    notes = []
    if n_unmatched:
        notes.append(f"{n_unmatched} predictions of the file name no photo of the manifest and are left out.")
    unknown = Counter(label.name for guess in guesses if (level := guess.levels.get("country")) and (label := level.label).id is None)
    if unknown:
        examples = ", ".join(repr(name) for name, _ in unknown.most_common(3))
        notes.append(f"{sum(unknown.values())} predicted countries are neither ISO 3166 codes nor known names ({examples}); they count as wrong.")
    return notes
