"""The report in words and tables, for people."""

from collections.abc import Iterable, Sequence

from geocairn.evaluate.failures import failure_lines
from geocairn.evaluate.leak import leak_words
from geocairn.evaluate.report import DifferenceRecord, GroupRow, Interval, Report

_MAX_GROUPS, _MAX_ROWS = 50, 20


def report_markdown(report: Report, plots: Sequence[str]) -> str:
    """The report as Markdown.

    Args:
        report: all figures.
        plots: names of the plots that lie beside it.
    """
    parts = (_head, _main, _modes, _answers, _regions, _candidates, _clues, _area, _tables, _groups, _against)
    sections = [part(report) for part in parts]
    pictures = "\n\n".join(f"![{name.replace('_', ' ')}]({name}.png)" for name in plots)
    notes = "\n".join(f"* {_cell(note)}" for note in (*failure_lines(report), *report.notes))
    return "\n\n".join(part for part in (*sections, pictures, notes and f"## Notes\n\n{notes}") if part) + "\n"


def _head(report: Report) -> str:
    system = report.system
    names = {"bundle": system.bundle, "predictions": system.predictions, "oracle of": system.oracle}
    leaked = leak_words(report)
    warning = f"**{_cell(leaked)}.**\n\n" if leaked else ""
    name = next(f"{kind} {value}" for kind, value in names.items() if value is not None)
    return (
        f"# {_cell(name)} on {_cell(report.manifest.file)}\n\n{warning}"
        f"{report.n} photos, {report.n_failed} failed (infinitely far), {report.n_abstained} abstained (scored by their first candidate), "
        f"{report.n_answered} answered ({report.answered_pct:.1f} %).\n"
        f"Protocol {report.protocol}: {_rules(report)}; decision rule {report.decide}. "
        f"Intervals: 95 %, {report.bootstrap.n_resamples} resamples of {report.bootstrap.n_groups} {report.bootstrap.by}s."
    )


def _main(report: Report) -> str:
    ends = report.ci95
    rows = [(f"within {name} km", f"{share:.1f} %", _ends(ends.within_pct[name])) for name, share in report.within_pct.items()]
    rows += [
        ("median distance", _km(report.median_km, "infinite"), _ends(ends.median_km)),
        (f"mean distance of the {report.n_mean} answered or abstained", _km(report.mean_km, "-"), _ends(ends.mean_km)),
        ("GeoScore", f"{report.geoscore:.0f}", _ends(ends.geoscore)),
    ]
    for level, share in report.level_accuracy_pct.items():
        rows.append(
            (f"{level} right, of {report.n_labelled[level]} ({report.manifest.labels[level]})", f"{share:.1f} %", _ends(ends.level_accuracy_pct[level]))
        )
    return markdown_table(("figure", "value", "95 %"), rows)


def _rules(report: Report) -> str:
    rules = report.rules
    surface = "geodesic on WGS 84" if rules.earth_radius_km is None else f"sphere, R = {rules.earth_radius_km:.12g} km"
    rounded = ", scores rounded photo by photo" if rules.round_score else ""
    polygon = ", countries by polygon" if rules.country == "polygon" else ""
    crops = f"; crops elsewhere: {rules.crops}" if rules.crops else ""
    return f"{surface}, `{rules.inequality}`{rounded}{polygon}, admin levels {rules.admin}{crops}"


def _modes(report: Report) -> str:
    rows = [
        (level, mode, str(found.n), _pct(found.pct), _ends(found.wilson95_pct))
        for mode, levels in report.level_accuracy_by_mode.items()
        for level, found in levels.items()
    ]
    if not rows:
        return ""
    return "## Levels right, by either rule for names\n\n" + markdown_table(("level", "rule", "n", "right", "95 % (Wilson)"), rows)


def _answers(report: Report) -> str:
    rows = [
        (level, str(found.n), str(found.right), _pct(found.pct), _ends(found.wilson95_pct), "-" if found.mean_p is None else f"{100 * found.mean_p:.1f} %")
        for level, found in report.supported_levels.items()
    ]
    if not rows:
        return ""
    return "## Levels that answers name\n\n" + markdown_table(("level", "answered", "right", "share right", "95 % (Wilson)", "mean p claimed"), rows)


def _regions(report: Report) -> str:
    if not report.regions:
        return ""
    rows = [
        (which, f"{found.nominal:g}", str(found.n), f"{found.mean_mass:.3f}", f"{found.inside:.3f}", f"{found.difference:+.3f}", _or_dash(found.standard_error))
        for which, regions in (("all", report.regions), ("answered", report.regions_of_answered))
        for found in regions
    ]
    return "## Credible regions\n\n" + markdown_table(("photos", "nominal", "n", "mean mass", "hold the truth", "difference", "standard error"), rows)


def _candidates(report: Report) -> str:
    if report.candidates is None:
        return ""
    rows = [
        (f"{found.low:g} to {found.high:g}", str(found.n), f"{found.mean_p:.3f}", f"{found.inside:.3f}", _ends(found.wilson95, 3))
        for found in report.candidates.bins
    ]
    return "## Candidates: p against the truth within the radius\n\n" + markdown_table(("p", "n", "mean p", "truth within", "95 % (Wilson)"), rows)


def _clues(report: Report) -> str:
    rows = [
        (kind, str(found.n_photos), str(found.n_clues), str(found.n_judged), _pct(found.right_pct), _ends(found.wilson95_pct), str(found.country_right))
        for kind, found in report.clues.items()
    ]
    if not rows:
        return ""
    return "## Clues\n\n" + markdown_table(("kind", "photos", "clues", "judged", "place right", "95 % (Wilson)", "country right"), rows)


def _groups(report: Report) -> str:
    return _group_table(report, f"By {_cell(str(report.group_by))}", str(report.group_by), report.groups, _MAX_GROUPS)


def _tables(report: Report) -> str:
    # The country's is the only long one besides the scenes': the commonest values stand first in both.
    return "\n\n".join(_group_table(report, f"By {name.replace('_', ' ')}", name, rows, _MAX_ROWS) for name, rows in report.tables.items())


def _group_table(report: Report, title: str, column: str, groups: Sequence[GroupRow], max_rows: int) -> str:
    if not groups:
        return ""
    rows = [
        (
            group.value or "(empty)",
            str(group.n),
            str(group.n_failed),
            *(f"{share:.1f}" for share in group.within_pct.values()),
            _km(group.median_km, "infinite"),
            f"{group.geoscore:.0f}",
            _ends(group.ci95.geoscore, 0),
            _pct(group.country_pct),
        )
        for group in groups[:max_rows]
    ]
    rest = len(groups) - len(rows)
    more = f"\n\n{rest} more values are in report.json." if rest else ""
    names = (column, "n", "failed", *(f"{name} km, %" for name in report.within_pct), "median", "GeoScore", "95 %", "country right")
    return f"## {title}\n\n" + markdown_table(names, rows) + more


def _area(report: Report) -> str:
    curve = report.recall_vs_area
    what = {"posterior": "places by falling density, up to and with the true one", "point": "the cap around the first candidate that just reaches the truth"}
    rows = [(f"{name} % of the photos", _area_words(area)) for name, area in curve.area_km2_at_recall.items()]
    return f"## Area that must be searched ({what[curve.method]})\n\n" + markdown_table(("to find", "area"), rows)


def _against(report: Report) -> str:
    if report.against is None:
        return ""
    differences = {f"within {name} km, points": record for name, record in report.against.within_pct.items()} | {"GeoScore": report.against.geoscore}
    if report.against.country_pct is not None:
        differences["country right, points"] = report.against.country_pct
    rows = [(name, f"{record.difference:+.2f}", _ends(record.ci95, 2), _verdict(record)) for name, record in differences.items()]
    title = f"## Less {_cell(report.against.predictions)} ({report.against.n_failed} failed there)\n\n"
    return title + markdown_table(("figure", "difference", "95 % (paired)", "beyond noise"), rows)


def _verdict(record: DifferenceRecord) -> str:
    return "below" if record.is_below_zero else "above" if record.is_above_zero else "no"


def markdown_table(names: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of words that may come from files."""
    header = list(names)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    """Words from files, which must not break the table or bring markup."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _ends(ends: Interval, decimals: int = 1) -> str:
    low, high = (("-" if end is None else f"{end:.{decimals}f}") for end in ends)
    return f"{low} to {high}"


def _km(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.1f} km"


def _area_words(value: float | None) -> str:
    return "never" if value is None else f"{value:,.0f} km2" if value >= 10 else f"{value:.2f} km2"


def _pct(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
