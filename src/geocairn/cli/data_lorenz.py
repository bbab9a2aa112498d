"""`geocairn data lorenz`: how evenly data sets are spread over the Earth."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from geocairn.data.evenness import Evenness


def lorenz(
    files: Annotated[list[Path], typer.Argument(help="Manifests or coordinates (.csv, .parquet, .npy).", show_default=False)],
    min_population: Annotated[int, typer.Option(help="List of cities: 500, 1000, 5000 or 15000 people.")] = 15000,
    cell_level: Annotated[int, typer.Option(help="Level of the S2 cells that land is counted by; 0 to 7.")] = 5,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for lorenz.json and lorenz.png.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show Gini coefficients and Lorenz curves of data sets: by city, by land area, by people."""
    from json import dumps

    from geocairn.data.evenness import EvennessSettings
    from geocairn.data.lorenz_files import lorenz_json, measure_files, write_lorenz

    settings = EvennessSettings.parse("command line", {"min_population": min_population, "cell_level": cell_level})
    measured = measure_files(files, settings)
    if out is not None:
        write_lorenz(out, measured, settings)
    if json:
        typer.echo(dumps(lorenz_json(measured, settings), ensure_ascii=False))
    else:
        print_evenness({name: one.evenness for name, one in measured.items()})
    for name, one in measured.items():
        for reason, count in one.rejected.items():
            typer.echo(f"geocairn: {name}: rows left out, {reason}: {count}", err=True)


def print_evenness(sets: Mapping[str, "Evenness"]) -> None:
    """Print a table on standard output, one set a row."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Gini coefficients; photos in the richest cities, %", title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("set", overflow="fold")
    for heading in ("photos", "countries", "cities", "cities seen", "all cities", "land", "people", "top 1 %", "top 10 %"):
        table.add_column(heading, justify="right", width=max(6, *map(len, heading.split())))
    for name, one in sets.items():
        coefficients = [f"{one.gini[by]:.2f}" for by in ("city_seen", "city", "area", "people")]
        shares = [f"{percent:.1f}" for percent in (one.top_1_pct_cities_hold_pct, one.top_10_pct_cities_hold_pct)]
        table.add_row(escape(name), *map(str, (one.n, one.n_countries, one.n_cities_seen)), *coefficients, *shares)
    Console().print(table)
