"""`geocairn data sample`: places for a fair test set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geocairn.cli.data_lorenz import print_evenness

if TYPE_CHECKING:
    from geocairn.data.sample import Sample


def sample(
    n: Annotated[int, typer.Option("--n", help="Photos to place, at most 1000000.")] = 14955,
    seed: Annotated[int, typer.Option(help="Seed of the draws; equal seeds give equal bytes.")] = 0,
    radius_km: Annotated[float, typer.Option(help="Farthest that a photo lies from its city's centre; 0 to 1000.")] = 5.0,
    max_per_city: Annotated[int | None, typer.Option(metavar="K", help="Most photos of one city; without it there is no limit.")] = None,
    min_population: Annotated[int, typer.Option(metavar="P", help="List of cities: 500, 1000, 5000 or 15000 people.")] = 15000,
    out: Annotated[Path | None, typer.Option(metavar="FILE.parquet", help="Manifest of the photos to be taken.")] = None,
    beside: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Another set to measure beside it; may be given again.")] = None,
) -> None:
    """Draw places that cover the inhabited Earth fairly: a country by its area, one of its cities, a point near it."""
    from geocairn.data.evenness import EvennessSettings, load_ground, measure_evenness
    from geocairn.data.lorenz_files import measure_files
    from geocairn.data.parquet_file import check_parquet_target
    from geocairn.data.sample import SampleSettings, sample_earth, write_sample
    from geocairn.storage import check_spares

    given = {"n": n, "seed": seed, "radius_km": radius_km, "max_per_city": max_per_city, "min_population": min_population}
    settings = SampleSettings.parse("command line", given)
    counted_by = EvennessSettings(min_population=settings.min_population)
    if out is not None:
        check_parquet_target(out)
        check_spares(out, beside or [])
    others = measure_files(beside or [], counted_by)
    drawn = sample_earth(settings)
    if out is not None:
        write_sample(drawn, out)
    measured = {"sample": measure_evenness(drawn.latlon_deg, load_ground(counted_by)), **{name: one.evenness for name, one in others.items()}}
    typer.echo(_summary(drawn))
    print_evenness(measured)


def _summary(drawn: "Sample") -> str:
    reasons: dict[str, list[str]] = {}
    for code, reason in sorted(drawn.left_out.items()):
        reasons.setdefault(reason, []).append(code)
    left_out = "; ".join(f"{', '.join(codes)} ({reason})" for reason, codes in reasons.items())
    n_cities, n_countries = len(set(drawn.city.tolist())), len(set(drawn.country.tolist()))
    told = [f"{len(drawn)} places in {n_cities} cities of {n_countries} countries, from {len(drawn.cities)} cities; seed {drawn.settings.seed}"]
    told += [f"no place in countries without a city in the list or an area: {left_out}"] if left_out else []
    told += [f"{drawn.n_draws - len(drawn)} draws fell on full cities and were made anew"] if drawn.n_draws > len(drawn) else []
    told += ["the table counts each place at the nearest city, which need not be the one that it was drawn for"]
    return "\n".join(told)
