"""Places knowingly built from validation and test rows too, to measure what that is worth: never a default, and said by everything that comes of it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pydantic import Field

from geocairn.data.parquet_file import write_parquet
from geocairn.errors import BadManifest
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.row_entities import build_row_entities
from geocairn.places.stage import ALL_SPLITS
from geocairn.train.rows import DataSettings, PlacesSettings, check_data_folder, first_rows

if TYPE_CHECKING:
    import pyarrow as pa

LEAKED_SPLITS = ("train", "val", "test")


class LeakablePlaces(PlacesSettings):
    """Which hierarchy is built, and from which rows."""

    leaked: bool = Field(
        False,
        description="build places, and the features of entities, from training, validation and test rows: no honest test is possible then, and bundle and "
        "reports say so",
    )


def build_leaked_places(data: DataSettings, settings: LeakablePlaces, out: Path) -> Hierarchy:
    """Build the hierarchy of all rows of `train.parquet`, `val.parquet` and `test.parquet` into the folder `out`.

    Where `settings.source` is "rows" only those training rows are among them that are trained on. Where it is "data" labels that are missing by chance are
    filled in, as `data synth` does for the hierarchy that lies beside its rows.

    Raises:
        BadConfig: no folder of data.
        BadManifest: a manifest is missing or cannot be read, or they do not fit together.
    """
    check_data_folder(data.dir)
    rows = settings.rows
    fills = rows.fill_missing or (settings.source == "data" and rows.labels == "columns")
    with TemporaryDirectory(prefix="geocairn-leaked-") as folder:
        joined = Path(folder) / f"{'-'.join(LEAKED_SPLITS)}.parquet"
        write_parquet(_joined(data.dir, data.photos if settings.source == "rows" else 0), joined)
        return build_row_entities(joined, out, rows.model_copy(update={"split": ALL_SPLITS, "fill_missing": fills}))


def _joined(data: Path, n_train: int) -> "pa.Table":
    import pyarrow as pa

    tables = []
    for path in (data / f"{split}.parquet" for split in LEAKED_SPLITS):
        try:
            tables.append(first_rows(path, n_train if path.name == "train.parquet" else 0))
        except FileNotFoundError:
            raise BadManifest(f"{path}: no such file; places.leaked wants {', '.join(LEAKED_SPLITS)}, or set it to false") from None
        except (OSError, pa.ArrowException) as error:
            raise BadManifest(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise BadManifest(f"{data}: the columns of {', '.join(LEAKED_SPLITS)} are of different types ({str(error).splitlines()[0]})") from None
