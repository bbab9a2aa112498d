"""`geocairn places build s2`, `build cells`, `export`, `verify` and `plot`."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from geocairn.cli.lists import numbers_of

if TYPE_CHECKING:
    from geocairn.places.hierarchy import Hierarchy

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with hierarchy.npz.", show_default=False)]
OutFolder = Annotated[Path, typer.Option(metavar="DIR", help="Folder for hierarchy.npz and .json.", show_default=False)]
SPLIT_HELP = "Rows to use: those of this split; all; or auto: train where the file has a column split, else all."


def build_s2(
    coords: Annotated[Path, typer.Option(metavar="FILE", help="Coordinates: .csv or .parquet with lat_deg, lon_deg, or .npy (N, 2).", show_default=False)],
    out: OutFolder,
    t_min: Annotated[int, typer.Option(help="A cell is kept where it holds more photos than this.")] = 50,
    t_max: Annotated[str, typer.Option(metavar="A,B,...", help="Per level, coarse to fine: a cell with more photos is split.")] = (
        "25000,10000,5000,2000,1000,750,500"
    ),
    start_level: Annotated[int, typer.Option(help="S2 level of the cells that splitting begins with.")] = 2,
    place: Annotated[Literal["mean", "medoid"], typer.Option(help="A cell's place: its photos' mean on the sphere, or the photo nearest to it.")] = "mean",
    split: Annotated[str, typer.Option(help=SPLIT_HELP)] = "auto",
) -> None:
    """Cut the Earth into S2 cells, finer where there are more photos, at several finenesses at once."""
    from geocairn.places.cells import CellSettings
    from geocairn.places.cells_stage import build_cells

    asked = {
        "t_min": t_min,
        "t_max": numbers_of("--t-max", t_max, int, "whole numbers that fall, like 5000,2000,1000"),
        "start_level": start_level,
        "place": place,
    }
    settings = CellSettings.parse("command line", asked)
    hierarchy = build_cells(coords, out, settings, split=split, tell=_tell)
    for level, masses in hierarchy.meta["point_masses"].items():
        if masses["n_cells"]:
            spots = "one spot" if masses["n_cells"] == 1 else f"{masses['n_cells']} spots"
            _tell(f"level {level}: {masses['n_rows']} photos lie on {spots} with more than t_max each: coordinates given by default?")
    repeated = [hierarchy.level_names[fine] for coarse, fine in pairwise(range(len(hierarchy.level_names))) if _are_the_same(hierarchy, coarse, fine)]
    if repeated:
        _tell(f"{', '.join(repeated)}: the same cells as one level coarser; give a --t-max that suits {hierarchy.meta['n_rows']} rows")
    _print_levels(hierarchy)


def build_cells(
    files: Annotated[list[Path], typer.Argument(metavar="CELLS.csv...", help="CSVs of cells, one per level.", show_default=False)],
    out: OutFolder,
    start_level: Annotated[int, typer.Option(min=0, max=30, help="S2 level of the cells that splitting began with.")] = 2,
) -> None:
    """Take a partition from the field's own CSVs of cells: class_label, hex_id, imgs_per_cell, latitude_mean, longitude_mean."""
    from geocairn.places.cells_import import hierarchy_from_cell_files
    from geocairn.places.files import save_hierarchy
    from geocairn.places.origin import save_origin
    from geocairn.places.stage import TREE_FILE, check_places_folder

    check_places_folder(out, files)
    hierarchy = hierarchy_from_cell_files(files, start_level=start_level)
    # Which photos these cells were cut by no file says: an older build's may not stand for them.
    (out / TREE_FILE).unlink(missing_ok=True)
    save_origin(out, None)
    save_hierarchy(hierarchy, out / "hierarchy.npz")
    _print_levels(hierarchy)


def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for a CSV of cells per level.", show_default=False)],
    coords: Annotated[Path | None, typer.Option(metavar="FILE", help="Photos with coordinates: also write their classes, as labels.json.")] = None,
    split: Annotated[str, typer.Option(help=f"{SPLIT_HELP[:-1]}, of --coords.")] = "all",
    drop_uncovered: Annotated[
        bool, typer.Option("--drop-uncovered", help="Leave out photos that lack a class at any level, as the field does; else -1 stands there.")
    ] = False,
) -> None:
    """Write S2 cells in the field's formats."""
    from geocairn.errors import BadManifest
    from geocairn.places.cell_hierarchy import classes_of_points
    from geocairn.places.cells_csv import export_cells, write_label_mapping
    from geocairn.places.files import load_hierarchy
    from geocairn.places.stage import read_split

    hierarchy = load_hierarchy(folder / "hierarchy.npz")
    rows = None if coords is None else read_split(coords, split)[0]
    if rows is not None and rows.photos is None:
        raise BadManifest(f"{coords}: has no column 'photo'; labels are written per photo")
    for path in export_cells(hierarchy, out):
        typer.echo(path)
    if rows is not None and rows.photos is not None:
        classes = classes_of_points(hierarchy, rows.latlon_deg)
        n_written = write_label_mapping(rows.photos, classes, out / "labels.json", keep_uncovered=not drop_uncovered)
        typer.echo(out / "labels.json")
        n_uncovered = int((classes < 0).any(axis=1).sum())
        _tell(f"{n_written} of {rows.n_rows} rows written; {n_uncovered} of {len(rows)} photos lack a class at some level")


def verify(
    path: Annotated[Path, typer.Argument(metavar="DIR|CELLS.csv", help="Folder of a hierarchy or of CSVs of cells, or one such CSV.", show_default=False)],
    start_level: Annotated[int, typer.Option(min=0, max=30, help="S2 level that a CSV's partition starts at; a coarser cell is a fault.")] = 2,
) -> None:
    """Look for faults: list each bad row with the rule it breaks, and exit 1 where there is one."""
    from geocairn.places.verify import verify as find_faults

    faults = find_faults(path, start_level=start_level)
    for fault in faults:
        typer.echo(str(fault))
    if faults:
        n_whole = sum(fault.row is None for fault in faults)
        n_rows = len({(fault.path, fault.row) for fault in faults if fault.row is not None})
        _tell(f"{path}: bad rows: {n_rows}" + (f"; faults of whole files: {n_whole}" if n_whole else ""))
        raise typer.Exit(1)
    typer.echo(f"{path}: sound")


def plot(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Map to write: .png, .svg or .pdf.", show_default=False)],
    level: Annotated[str | None, typer.Option(help="Level to draw, such as t500; the finest by default.", show_default=False)] = None,
) -> None:
    """Draw a world map of one level: S2 cells by their shapes, other places as points, coloured by count."""
    from geocairn.places.files import load_hierarchy
    from geocairn.places.plot import plot_level

    plot_level(load_hierarchy(folder / "hierarchy.npz"), level, out)
    typer.echo(out)


def _are_the_same(hierarchy: "Hierarchy", coarse: int, fine: int) -> bool:
    above, below = (hierarchy.places_of(level) for level in (coarse, fine))
    return [hierarchy.names[place] for place in above] == [hierarchy.names[place] for place in below]


def _tell(words: str) -> None:
    typer.echo(f"geocairn: {words}", err=True)


def _print_levels(hierarchy: "Hierarchy") -> None:
    n_rows = hierarchy.meta["n_rows"]
    for level, name in enumerate(hierarchy.level_names):
        places = hierarchy.places_of(level)
        n_kept = int(hierarchy.count[places.start : places.stop].sum())
        typer.echo(f"{name}: {len(places)} cells hold {n_kept} of {n_rows} rows")
