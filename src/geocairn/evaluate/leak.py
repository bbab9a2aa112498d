"""Bundles whose places are knowingly built from the photos under test: they are evaluated to measure what that is worth, and every report says so."""

from pathlib import Path

from geocairn.evaluate.report import Report
from geocairn.manifest import Manifest
from geocairn.places.origin import check_not_built_from, n_shared_photos


def n_leaked_photos(bundle: str | None, manifest: Manifest, *, is_declared: bool) -> int:
    """How many photos of a manifest are among those that a bundle's places were built from, or that it was trained on.

    Args:
        bundle: a folder; anything else has no rows of its own.
        is_declared: whether the bundle says of itself that test photos are among them.

    Raises:
        BadHierarchy: there are some and the bundle does not say so, or nobody can tell.
    """
    if bundle is None or not Path(bundle).is_dir():
        return 0
    if not is_declared:
        check_not_built_from(Path(bundle), manifest)
        return 0
    return n_shared_photos(Path(bundle), manifest)


def leak_words(report: Report) -> str | None:
    """What is to be said of a report's figures before anything else; None where test photos were kept apart."""
    if not report.system.n_leaked:
        return None
    return (
        f"LEAKED, no honest test: {report.system.n_leaked} of these {report.n} photos are among those that the places of the bundle "
        f"{report.system.bundle} were built from (places.leaked = true)"
    )
