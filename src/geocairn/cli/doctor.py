"""`geocairn doctor`: what is installed, what is missing, and how to mend it."""

import typer


def doctor() -> None:
    """Say what is installed, what is missing and how to mend it; exits 1 where the bundle `clues` cannot work."""
    from geocairn.cli.checks import run_checks

    faults = 0
    for check in run_checks():
        faults += check.state == "missing"
        typer.echo(f"{check.state:8} {check.what}: {check.found}" + (f"; mend: {check.mend}" if check.mend else ""))
    if faults:
        raise typer.Exit(1)
