"""`geocairn demo`: the first run."""

from pathlib import Path
from typing import Annotated

import typer

from geocairn.cli.train import TRAINING_PACKAGES, missing_package

# Nearest neighbours search by faiss.
DEMO_PACKAGES = (*TRAINING_PACKAGES, "faiss")


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for map.html and training/, which is made anew each time.")] = Path("build/demo"),
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    skip_training: Annotated[bool, typer.Option("--skip-training", help="Place the pictures alone.")] = False,
) -> None:
    """Place the shipped example pictures; then train HierLoc on a small synthetic Earth and show it beside others and the limits."""
    from geocairn.cli.progress import tell

    _check_folder(out)
    missing = None if skip_training else missing_package(DEMO_PACKAGES)
    if not (skip_training or missing):
        from geocairn.demo.settings import TrainingDemoSettings
        from geocairn.demo.training import begin_training_demo

        # What can be refused is refused before the pictures are placed.
        begin_training_demo(out / "training", TrainingDemoSettings(jobs=jobs))
    _place_pictures(out, jobs)
    if missing:
        tell(f"the training part is left out: it needs the package {missing}; mend: pip install geocairn[search,train]")
    elif not skip_training:
        _train(out / "training", jobs)
    typer.echo("Next: geocairn locate YOUR-PHOTOS --map map.html")


def _check_folder(out: Path) -> None:
    """Find out before the work whether the folder can be written.

    Raises:
        BadOutput: it is a file, or cannot be made.
    """
    from geocairn.errors import BadOutput
    from geocairn.export.target import check_target

    if out.exists() and not out.is_dir():
        raise BadOutput(f"{out}: is a file; name a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"{out}: cannot be written ({error.strerror}); choose a folder that you may write to") from None
    check_target(out / "map.html")


def _place_pictures(out: Path, jobs: int) -> None:
    from importlib.resources import as_file, files

    from geocairn.cli.locate import locate

    with as_file(files("geocairn") / "examples") as examples:
        typer.echo("These pictures are drawn by a script, not photographed: they show how it works, not how well.", err=True)
        locate(_pictures(Path(examples)), format="table", map=out / "map.html", jobs=jobs)
    typer.echo(f"Map: {out / 'map.html'} (open it in a browser; it needs no network).")


def _pictures(examples: Path) -> list[str]:
    return sorted(str(path) for path in examples.iterdir() if path.suffix in (".jpg", ".png"))


def _train(folder: Path, jobs: int) -> None:
    from geocairn.cli.demo_tables import print_training_demo
    from geocairn.cli.progress import steps_watched, tell
    from geocairn.demo.settings import TrainingDemoSettings
    from geocairn.demo.training import MAP, PAGE, REPORT, run_training_demo

    tell("now a small synthetic Earth, and what can be learned from its photos' features: a minute or two")
    print_training_demo(run_training_demo(folder, TrainingDemoSettings(jobs=jobs), tell=tell, watching=steps_watched))
    typer.echo(f"All on one page: {folder / PAGE}; the errors on a map: {folder / REPORT / 'errors.png'}; the ten photos on a map: {folder / MAP}.")
