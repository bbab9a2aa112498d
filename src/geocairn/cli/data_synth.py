"""`geocairn data synth`: a synthetic Earth whose limits are known."""

from pathlib import Path
from typing import Annotated

import typer


def synth(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for manifests, features, hierarchy and the limits' bundles.", show_default=False)],
    photos: Annotated[int, typer.Option(metavar="N", help="Photos in all; 90 % are for training, 5 % each for validation and test.")] = 200_000,
    seed: Annotated[int, typer.Option(help="Seed of all draws; equal settings give equal bytes.")] = 0,
    cities: Annotated[int, typer.Option(metavar="C", help="Cities, drawn from GeoNames.")] = 15_000,
    with_: Annotated[str | None, typer.Option("--with", metavar="tokens,maps", help="Also write tokens, or maps of classes.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting, as JSON; may be given again.")] = None,
) -> None:
    """Write a synthetic Earth: real places, generated features, and what can be known of the one from the other at most."""
    import json

    from geocairn.errors import BadConfig
    from geocairn.synth.settings import SynthSettings
    from geocairn.synth.write import write_synth

    extras = [name.strip() for name in with_.split(",")] if with_ is not None else []
    unknown = [name for name in extras if name not in ("tokens", "maps")]
    if unknown:
        raise BadConfig(f"--with {with_}: {unknown[0]!r} is not known; write tokens, maps or tokens,maps")
    given = {"photos": photos, "seed": seed, "cities": cities, "with_tokens": "tokens" in extras, "with_maps": "maps" in extras}
    for pair in settings or []:
        key, separator, value = pair.partition("=")
        try:
            given[key] = json.loads(value)
        except ValueError:
            raise BadConfig(f"--set {pair}: write KEY=VALUE with a value as in JSON, such as gates=16") from None
        if not (separator and key):
            raise BadConfig(f"--set {pair}: write KEY=VALUE with a value as in JSON, such as gates=16")
    described = write_synth(out, SynthSettings.parse("command line", given), tell=lambda step: typer.echo(f"geocairn: {step}", err=True))
    counts = ", ".join(f"{n} {name}" for name, n in described["photos"].items())
    places = ", ".join(f"{n} {name}" for name, n in described["places"].items())
    typer.echo(f"{out}: photos: {counts}; places: {places}; bundles: bayes, learnable, prior")
