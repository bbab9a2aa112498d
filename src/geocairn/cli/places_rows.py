"""`geocairn places build entities` and `geocairn places build tree`: hierarchies of training rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geocairn.cli.lists import numbers_of
from geocairn.cli.places_s2 import SPLIT_HELP

if TYPE_CHECKING:
    from geocairn.places.hierarchy import Hierarchy

Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for hierarchy.npz and .json.", show_default=False)]
Split = Annotated[str, typer.Option(help=SPLIT_HELP)]


def entities(
    manifest: Annotated[Path, typer.Option(metavar="FILE", help="Training rows: .csv or .parquet with photo, lat_deg, lon_deg.", show_default=False)],
    out: Out,
    labels: Annotated[
        str, typer.Option(metavar="columns|osv5m|coordinates", help="Names from country, region, subregion, city; OSV-5M's columns; or nearest cities.")
    ] = "columns",
    polygons: Annotated[bool, typer.Option("--polygons", help="With coordinates: the nearest city of the country that the row lies in.")] = False,
    split: Split = "auto",
) -> None:
    """Build countries, regions, subregions and cities from training rows."""
    from geocairn.places.row_entities import EntitySettings, build_row_entities

    settings = EntitySettings.parse("command line", {"labels": labels, "polygons": polygons, "split": split})
    _tell(manifest, build_row_entities(manifest, out, settings))


def tree(
    coords: Annotated[Path, typer.Option(metavar="FILE", help="Rows: .csv or .parquet with lat_deg, lon_deg, or .npy (N, 2).", show_default=False)],
    out: Out,
    vectors: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Cluster these vectors, one for each row, instead of the coordinates.", show_default=False)
    ] = None,
    branches: Annotated[str, typer.Option(help="Clusters that one is cut into on average, level by level.")] = "32,32",
    seed: Annotated[int, typer.Option(help="Seed of k-means.")] = 0,
    split: Split = "auto",
) -> None:
    """Build a tree of clusters from coordinates or vectors."""
    from geocairn.places.row_tree import build_row_tree
    from geocairn.places.tree import TreeSettings

    settings = TreeSettings.parse("command line", {"branches": numbers_of("--branches", branches, int, "whole numbers, like 32,32"), "seed": seed})
    _tell(coords, build_row_tree(coords, out, settings, vectors=vectors, split=split))


def _tell(source: Path, hierarchy: "Hierarchy") -> None:
    """What was left out and what is held."""
    rejected, n_rows = hierarchy.meta["rejected"], hierarchy.meta["n_rows"]
    for reason, count in rejected.items():
        typer.echo(f"geocairn: {source}: {count} of {n_rows + sum(rejected.values())} rows left out: {reason}", err=True)
    for level, name in enumerate(hierarchy.level_names):
        places = hierarchy.places_of(level)
        n_held = int(hierarchy.count[places.start : places.stop].sum())
        typer.echo(f"{name}: {len(places)} places hold {n_held} of {n_rows} rows")
