"""`geocairn places`: hierarchies of places."""

from pathlib import Path
from typing import Annotated

import typer

from geocairn.cli.places_rows import entities, tree
from geocairn.cli.places_s2 import build_cells, build_s2, export, plot, verify

places = typer.Typer(help="Hierarchies of places.", no_args_is_help=True, rich_markup_mode=None)
build = typer.Typer(help="Build a hierarchy of places.", no_args_is_help=True, rich_markup_mode=None)
places.add_typer(build, name="build")
build.command("s2")(build_s2)
build.command("cells")(build_cells)
places.command()(verify)
places.command()(export)
places.command()(plot)
build.command()(entities)
build.command()(tree)


@places.callback()
def _group() -> None:
    """Hierarchies of places."""


@build.callback()
def _build_group() -> None:
    """Build a hierarchy of places."""


@places.command()
def show(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder with hierarchy.npz; by default the places of GeoNames.", show_default=False)
    ] = None,
    place: Annotated[str | None, typer.Option(help="Show this place, such as FR or FR/11, and what lies in it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a hierarchy's levels, or one of its places."""
    from geocairn.cli.progress import tell_step
    from geocairn.places.atlas import load_atlas
    from geocairn.places.files import load_hierarchy
    from geocairn.places.summary import describe_hierarchy, describe_place

    hierarchy = load_atlas(tell_step).hierarchy if folder is None else load_hierarchy(folder / "hierarchy.npz")
    described = describe_hierarchy(hierarchy) if place is None else describe_place(hierarchy, place)
    _print(described, as_json=json)


def _print(described: dict[str, object], *, as_json: bool) -> None:
    import json

    from rich.console import Console
    from rich.table import Table

    if as_json:
        typer.echo(json.dumps(described, ensure_ascii=False))
        return
    console = Console()
    for key, value in described.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            table = Table(*value[0], title=key)
            for row in value:
                table.add_row(*map(str, row.values()))
            console.print(table)
        else:
            console.print(f"{key}: {value}", highlight=False, markup=False)
