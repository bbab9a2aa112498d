"""`geocairn data split`: train, val and test without leaks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geocairn.cli.lists import numbers_of, words_of
from geocairn.errors import BadConfig, UnknownName

if TYPE_CHECKING:
    from geocairn.data.split_files import SplitReport


def split(
    manifest: Annotated[Path, typer.Argument(help="Manifest (.parquet or .csv) with photo, lat_deg, lon_deg.", show_default=False)],
    by: Annotated[
        str, typer.Option(metavar="KEYS", help="Stays together: author (or author_group), album, sequence, cell, photo; with commas.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for train.parquet, val.parquet, test.parquet, split.json.", show_default=False)],
    fractions: Annotated[str, typer.Option(help="Percent of the rows for train, val, test.")] = "90,5,5",
    cell_km: Annotated[float, typer.Option(help="Photos up to so far apart share a cell; 0.02 to 1000.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the order in which groups are shared out.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print split.json.")] = False,
) -> None:
    """Split a manifest so that no author, album, sequence or place stands on both sides, and report what leaks."""
    from geocairn.data.split import SplitSettings
    from geocairn.data.split_files import split_manifest

    given = {"by": _keys(by), "fractions": _fractions(fractions), "cell_km": cell_km, "seed": seed}
    report = split_manifest(manifest, SplitSettings.parse("command line", given), out)
    typer.echo(report.model_dump_json(indent=1) if json else _summary(report))
    for told in report.told:
        typer.echo(f"geocairn: {told}", err=True)


def _keys(by: str) -> list[str]:
    from geocairn.data.split import COLUMN_KEYS, KEYS

    # The author's column may bear either name, and so may the key.
    keys = [next((key for key, names in COLUMN_KEYS.items() if word in names), word) for word in words_of("--by", by, ", ".join(KEYS))]
    unknown = next((key for key in keys if key not in KEYS), None)
    if unknown is not None:
        raise UnknownName(f"--by {by}: {unknown!r} is no key; choose from {', '.join(KEYS)}, with commas between")
    return keys


def _fractions(fractions: str) -> list[float]:
    wanted = "percent for train, val, test, like 90,5,5"
    numbers = numbers_of("--fractions", fractions, float, wanted)
    if len(numbers) != 3:
        raise BadConfig(f"--fractions {fractions}: {len(numbers)} number{'s' if len(numbers) != 1 else ''}; give {wanted}")
    return numbers


def _summary(report: "SplitReport") -> str:
    largest = report.largest_group
    lines = [f"{report.rows} rows in {report.groups} groups by {', '.join(report.settings.by)}; the largest holds {largest.pct:g} % of them ({largest.part})"]
    lines += [f"{name}: {part.rows} rows ({part.pct:g} %) in {part.groups} groups" for name, part in report.parts.items()]
    lines += [f"rows left out, {reason}: {count}" for reason, count in report.rejected.items()]
    lines += [f"rows without {key}, each its own group: {count}" for key, count in report.rows_without_key.items() if count]
    for name, leaks in report.leaks.items():
        named = {key if key != "cell" else f"a place within {report.settings.cell_km:g} km": count for key, count in leaks.items()}
        lines.append(f"{name} shares with train: " + ", ".join(f"{key} {count} rows" for key, count in named.items()))
    for name, countries in (report.countries_unseen_in_train or {}).items():
        if countries:
            lines.append(f"{name} has countries unseen in train: {', '.join(f'{country} ({count})' for country, count in countries.items())}")
    return "\n".join(lines)
