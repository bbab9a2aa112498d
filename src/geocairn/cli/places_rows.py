"""`geocairn places build entities` and `geocairn places build tree`: hierarchies of training rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from geocairn.places.hierarchy import Hierarchy

Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder to write hierarchy.npz, hierarchy.json and rows.npy to.")]
Split = Annotated[str, typer.Option(help="Use the rows of this split, where there is a column split.")]


def entities(
    manifest: Annotated[Path, typer.Option(metavar="FILE", help="Training rows: .csv or .parquet with photo, lat_deg, lon_deg.")],
    out: Out,
    labels: Annotated[
        str, typer.Option(metavar="columns|osv5m|coordinates", help="Names from country, region, subregion, city; OSV-5M's columns; or nearest cities.")
    ] = "columns",
    polygons: Annotated[bool, typer.Option("--polygons", help="With coordinates: the nearest city of the country that the row lies in.")] = False,
    split: Split = "train",
) -> None:
    """Build countries, regions, subregions and cities from training rows."""
    from geocairn.places.row_entities import EntitySettings, build_row_entities

    settings = EntitySettings.parse("places build entities", {"labels": labels, "polygons": polygons, "split": split})
    _tell(build_row_entities(manifest, out, settings), out)


def tree(
    coords: Annotated[Path, typer.Option(metavar="FILE", help="Rows: .csv or .parquet with lat_deg, lon_deg, or .npy of shape (N, 2).")],
    out: Out,
    vectors: Annotated[Path | None, typer.Option(metavar="FILE.npy", help="Cluster these vectors, one for each row, instead of the coordinates.")] = None,
    branches: Annotated[str, typer.Option(help="Clusters that one is cut into on average, level by level.")] = "32,32",
    seed: Annotated[int, typer.Option(help="Seed of k-means.")] = 0,
    split: Split = "train",
) -> None:
    """Build a tree of clusters from coordinates or vectors."""
    from geocairn.places.row_tree import build_row_tree
    from geocairn.places.tree import TreeSettings

    settings = TreeSettings.parse("places build tree", {"branches": branches.split(","), "seed": seed})
    _tell(build_row_tree(coords, out, settings, vectors=vectors, split=split), out)


def _tell(hierarchy: "Hierarchy", out: Path) -> None:
    for reason, n_rows in hierarchy.meta["rejected"].items():
        typer.echo(f"geocairn: rows left out, {reason}: {n_rows}", err=True)
    sizes = ", ".join(f"{name} {len(hierarchy.places_of(level))}" for level, name in enumerate(hierarchy.level_names))
    typer.echo(f"{out}: places of {hierarchy.meta['n_rows']} rows: {sizes}")
