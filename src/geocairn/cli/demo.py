"""`geocairn demo`: the first run."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for map.html and answers.jsonl.")] = Path("build/demo"),
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
) -> None:
    """Place the shipped example pictures: a table here, a map in DIR/map.html."""
    from importlib.resources import as_file, files

    from geocairn.cli.locate import locate

    with as_file(files("geocairn") / "examples") as examples:
        pictures = sorted(str(path) for path in Path(examples).iterdir() if path.suffix in (".jpg", ".png"))
        out.mkdir(parents=True, exist_ok=True)
        typer.echo("These pictures are drawn by a script, not photographed: they show how it works, not how well.", err=True)
        locate(pictures, format="table", map=out / "map.html", jobs=jobs)
    typer.echo(f"Map: {out / 'map.html'} (open it in a browser; it needs no network). Next: geocairn locate YOUR-PHOTOS --map map.html")
