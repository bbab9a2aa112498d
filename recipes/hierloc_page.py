"""Write the tables of docs/hierloc.md from results/: recipes/hierloc_page.py, run by hierloc_full.sh and hierloc_ablations.sh. A test compares them.

What has not been measured by the code and recipes that the results name is not shown.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synth_figures import LIMITS, Row, Told, current_rows, told, without_failed

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/hierloc.md"
END = "<!-- end of figures -->\n"
LEVELS = ("country", "region", "subregion", "city")
SYSTEMS = {
    "prior": "prior",
    "neighbours": "nearest neighbours",
    "softmax": "flat softmax",
    "hierloc": "HierLoc",
    "learnable": "learnable limit",
    "bayes": "Bayes limit",
}
GROUPS = {
    "additions": "What is ours, and each part of it turned off",
    "geometry": "Geometry",
    "curvature": "Curvature",
    "kernel": "Kernel of the geographic weight",
    "attention": "Attention",
    "tau": "Temperature tau",
    "lambda": "Strength lambda of the geographic weight",
    "sigma": "Scale sigma of the geographic weight",
    "beta": "Weight beta of each level's loss",
    "features": "What entities are made of, means never drawn towards those above",
    "prototypes": "Prototypes of an entity, without leaving out and shrinking",
    "leak": "Places built from training rows or from test rows too, not calibrated",
}
NOTHING = "Not measured yet.\n"


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), result_named), encoding="utf-8")


def result_named(name: str) -> Row | None:
    """results/NAME.json; None where it is not there."""
    path = ROOT / f"results/{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def begin(name: str) -> str:
    return f"<!-- figures: {name}, written by recipes/hierloc_page.py from results/; do not edit -->\n"


def written(page: str, result: Callable[[str], Row | None]) -> str:
    """The page with the figures of the results."""
    for name, figures in FIGURES.items():
        before, rest = page.split(begin(name))
        found = result(name)
        page = before + begin(name) + (NOTHING if found is None else figures(found)) + END + rest.split(END, 1)[1]
    return page


def full_figures(result: Row) -> str:
    every = current_rows(result)
    rows = without_failed(every)
    known = {name: rows[name] for name in SYSTEMS if name in rows}
    if not known:
        return NOTHING
    compared, settings = result.get("compared", {}), result["settings"]
    lines = [
        f"{settings['photos']:,} photos, {settings['cities']:,} cities, all test photos of {_earths(known.values())}; {_SPREAD} Level figures are of the "
        "posterior's likeliest place; GeoScore by the point of the highest expected GeoScore; trained systems calibrated on the validation photos. "
        "Share: of the GeoScore between the prior and the Bayes limit.",
        "",
        *systems_table(known, compared.get("systems", {})),
        "",
    ]
    return "\n".join([*lines, *_faults(every), *(_compared(compared) if compared else []), *_tables(known)]) + "\n"


def systems_table(known: Mapping[str, Sequence[Row]], shares: Mapping[str, Any]) -> list[str]:
    """What each system has right, its share of what there is to know, and how long it trained.

    Args:
        known: rows by system, one for each Earth.
        shares: by system, as `hierloc_full.compared` gives them.
    """
    lines = [
        f"| | {' | '.join(f'{level}, %' for level in LEVELS)} | GeoScore | share, % | training, minutes | threads |",
        f"|---|{'---|' * (len(LEVELS) + 4)}",
    ]
    for name, of_name in known.items():
        share = _pm(shares[name]["share_of_geoscore_pct"], 1) if name in shares else ""
        lines.append(f"| {SYSTEMS[name]} | {_levels(of_name)} | {_pm(told(_scores(of_name)), 0)} | {share} | {_training(of_name)} |")
    return lines


def _trainings(measured: Mapping[str, Sequence[Row]], result: Row) -> str:
    """How long trainings took, with the names of those that took longer than was set."""
    set_s = result["longest_training_s"]
    longest = {name: max(row["train_core_s"] for row in rows) for name, rows in measured.items() if name not in result["same_as"]}
    over = [name for name, seconds in longest.items() if seconds > set_s]
    words = f"trainings took up to {max(longest.values()):.0f} s of one core where {set_s} were set"
    return f"{words} (more than that: {', '.join(over)})" if over else words


def _faults(rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """What could not be trained or calibrated, and so is not in a row's figures, or is in them as it was."""
    lines = []
    for name, of_name in rows.items():
        for row in of_name:
            if "error" in row:
                lines.append(f"* {SYSTEMS.get(name, name)}, seed {row['seed']}: training failed and is in no figure: {row['error']}")
            if "not_calibrated" in row:
                lines.append(f"* {SYSTEMS.get(name, name)}, seed {row['seed']}: not calibrated: {row['not_calibrated']}")
    return [*lines, ""] if lines else []


def _compared(compared: Row) -> list[str]:
    trained = [name for name in SYSTEMS if name in compared["systems"] and name != "learnable"]
    lines = [
        f"In per cent of what the learnable limit has right ({_earths([compared['seeds']])}):",
        "",
        f"| | {' | '.join(LEVELS)} |",
        f"|---|{'---|' * len(LEVELS)}",
        *(f"| {SYSTEMS[name]} | {' | '.join(_pm(compared['systems'][name]['pct_of_learnable'][level], 1) for level in LEVELS)} |" for name in trained),
        "",
    ]
    for level, told_of in compared["targets"].items():
        outcome = "reached" if told_of["is_reached"] else f"not reached: {-told_of['above_target']:.1f} points short"
        lines.append(f"* Target {level} at least {told_of['target_pct']:.0f} % of the learnable limit: {told_of['pct']:.1f} %, {outcome}.")
    for name, is_above in compared["is_above_in_all"].items():
        lines.append(f"* Above {SYSTEMS[name]} at every level and in GeoScore, on every Earth: {'yes' if is_above else 'no'}.")
    training = compared["training"]
    within = "within" if training["is_within"] else "over"
    lines.append(f"* Longest training of HierLoc: {training['longest_s'] / 60:.1f} minutes on {training['threads']} threads, {within} the 40 that were set.")
    return [*lines, ""]


def ablation_figures(result: Row) -> str:
    every = current_rows(result)
    rows = without_failed(every)
    measured = {variant: rows[name] for variant in result["overrides"] if (name := result["same_as"].get(variant, variant)) in rows}
    if not measured:
        return NOTHING
    settings, n_waiting = result["settings"], len([name for name in result["made_of"] if not every[name]])
    lines = [
        f"{settings['photos']:,} photos, {settings['cities']:,} cities, all test photos of {_earths(measured.values())} (the seed of the Earth is also that of "
        f"training); {_SPREAD} `recipes/hierloc_synth.toml` with {' '.join(f'`{override}`' for override in result['base'])}, and what each row says over it; "
        f'{_trainings(measured, result)}. "Against" is the difference from the first row of a table, Earth by Earth: '
        "Earths differ more from each other than variants do, so it is by this that rows are to be compared.",
        *([f"{n_waiting} rows of {len(result['made_of'])} are not measured yet and not shown."] if n_waiting else []),
        "",
        *_faults(every),
        *_limits(rows),
    ]
    for group, words in GROUPS.items():
        members = [name for name in result["groups"][group] if name in measured]
        if members:
            lines += [f"### {words}", "", *_group(members, measured, result), ""]
    lines += _other_earths(rows, result)
    ours = result["same_as"].get(result["tables_of"], result["tables_of"])
    lines += _tables({"ours": rows[ours]} if ours in rows else {})
    beams = result["same_as"].get(result["beams_of"], result["beams_of"])
    lines += _beams([row for row in rows.get(beams, []) if "beams" in row])
    return "\n".join(lines) + "\n"


def _other_earths(rows: Mapping[str, Sequence[Row]], result: Row) -> list[str]:
    """The recipe and the learnable limit on Earths without what hides the places."""
    names = {"the common Earth": ("ours", "learnable"), **{name: (f"{name}: HierLoc", f"{name}: learnable") for name in result["earths"]}}
    known = {name: pair for name, pair in names.items() if all(row in rows for row in pair)}
    if len(known) < 2:
        return []
    lines = [
        "### Earths without what hides the places",
        "",
        "Features that no warp hides, and photos of which no two have one author; there the recipe goes without the spread of authors and leaves out photos "
        "alone. A warp changes nothing for the limit. The four columns on the right: what HierLoc has right, in per cent of what the learnable limit has.",
        "",
        f"| | {' | '.join(f'{level}, %' for level in LEVELS)} | {' | '.join(f'{level}, % of the limit' for level in LEVELS)} |",
        f"|---|{'---|' * (2 * len(LEVELS))}",
    ]
    for name, (model, limit) in known.items():
        pairs = _paired(rows[model], rows[limit])
        shares = (told([100 * mine[f"{level}_pct"] / its[f"{level}_pct"] for mine, its in pairs]) for level in LEVELS)
        lines.append(f"| {name} | {_levels(rows[model])} | {' | '.join(_pm(share, 1) for share in shares)} |")
    return [*lines, ""]


def _limits(rows: Mapping[str, Sequence[Row]]) -> list[str]:
    known = [name for name in LIMITS if name in rows]
    if not known:
        return []
    lines = [f"| | {' | '.join(f'{level}, %' for level in LEVELS)} | GeoScore |", f"|---|{'---|' * (len(LEVELS) + 1)}"]
    return [*lines, *(f"| {SYSTEMS[name]} | {_levels(rows[name])} | {_pm(told(_scores(rows[name])), 0)} |" for name in known), ""]


def _group(members: Sequence[str], measured: Mapping[str, Sequence[Row]], result: Row) -> list[str]:
    same_as, first = result["same_as"], result["groups"][_group_of(members[0], result)][0]
    lines = [
        f"| | {' | '.join(f'{level}, %' for level in LEVELS)} | GeoScore | city against {first} | GeoScore against |",
        f"|---|{'---|' * (len(LEVELS) + 3)}",
    ]
    for name in members:
        note = f" (as {same_as[name]})" if name in same_as else ""
        paired = _paired(measured[name], measured[first]) if name != first and first in measured else []
        differences = [_pm(told([mine["city_pct"] - its["city_pct"] for mine, its in paired]), 1, sign=True) if paired else ""]
        differences.append(_pm(told([mine["geoscore"] - its["geoscore"] for mine, its in paired]), 0, sign=True) if paired else "")
        lines.append(f"| {name}{note} | {_levels(measured[name])} | {_pm(told(_scores(measured[name])), 0)} | {' | '.join(differences)} |")
    learned = [name for name in members if name == "lambda and sigma learned"]
    return [*lines, *(line for name in learned for line in _collapse(measured[name]))]


def _collapse(rows: Sequence[Row]) -> list[str]:
    """What lambda and sigma come to where they are learned."""
    words = [
        f"{level} lambda {_pm(told([row['last_terms'][f'lambda/{level}'] for row in rows]), 2)}, "
        f"sigma {_pm(told([row['last_terms'][f'sigma_km/{level}'] for row in rows]), 0)} km"
        for level in LEVELS
    ]
    return ["", f"Learned, they end at: {'; '.join(words)}."]


def _tables(known: Mapping[str, Sequence[Row]]) -> list[str]:
    """By training photos of the true city, and by landmass; each group's figures are means over the Earths that have it."""
    with_tables = {name: rows for name, rows in known.items() if all("tables" in row for row in rows) and name in ("hierloc", "learnable", "ours")}
    lines = []
    tables = {"training_count": ("Error by training photos of the true city", "training photos"), "island": ("Error on islands and mainland", "landmass")}
    for table, (words, column) in tables.items():
        body = [line for name, rows in with_tables.items() for line in _table(SYSTEMS.get(name, name), rows, table)]
        if body:
            lines += [f"### {words}", "", f"| | {column} | photos of all Earths | country, % | GeoScore | median, km |", "|---|---|---|---|---|---|", *body, ""]
    return lines


def _table(system: str, rows: Sequence[Row], table: str) -> list[str]:
    by_value: dict[str, list[Row]] = {}
    for row in rows:
        for group in row["tables"].get(table, []):
            by_value.setdefault(group["value"], []).append(group)
    ordered = sorted(by_value, key=lambda value: (len(value), value)) if table == "training_count" else sorted(by_value)
    return [f"| {system} | {value} | {sum(group['n'] for group in by_value[value]):,} | {_group_figures(by_value[value])} |" for value in ordered]


def _group_figures(groups: Sequence[Row]) -> str:
    digits = {"country_pct": 1, "geoscore": 0, "median_km": 0}
    found = {name: [group[name] for group in groups if group[name] is not None] for name in digits}
    return " | ".join(_pm(told(found[name]), decimals) if found[name] else "" for name, decimals in digits.items())


def _beams(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = [
        "### Beam",
        "",
        f"Of one model a seed ({_earths([rows])}), trained without prior, for a search goes by distances alone. `flat` tries all leaves, `levels` the places "
        "of each level apart; agreement is with `flat` of the same score.",
        "",
        f"| width | score | {' | '.join(f'{level}, %' for level in LEVELS)} | agrees, % |",
        f"|---|---|{'---|' * (len(LEVELS) + 1)}",
    ]
    for index, beam in enumerate(rows[0]["beams"]):
        of_seeds = [row["beams"][index] for row in rows]
        key = f"same_as_flat_{beam['score']}_pct"
        agrees = _pm(told([found[key] for found in of_seeds]), 1) if key in beam else ""
        lines.append(f"| {beam['width']} | {beam['score']} | {_levels(of_seeds)} | {agrees} |")
    return [*lines, ""]


def _group_of(name: str, result: Row) -> str:
    groups: dict[str, list[str]] = result["groups"]
    return next(group for group, members in groups.items() if name in members)


def _paired(mine: Sequence[Row], others: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Rows of the same seeds."""
    by_seed = {row["seed"]: row for row in others}
    return [(row, by_seed[row["seed"]]) for row in mine if row["seed"] in by_seed]


def _levels(rows: Sequence[Row]) -> str:
    return " | ".join(_pm(told([row[f"{level}_pct"] for row in rows]), 1) for level in LEVELS)


def _scores(rows: Sequence[Row]) -> list[float]:
    return [row["geoscore"] for row in rows]


def _training(rows: Sequence[Row]) -> str:
    if "train_wall_s" not in rows[0]:
        return " | "
    threads = sorted({str(row["threads"]) for row in rows})
    return f"{_pm(told([row['train_wall_s'] / 60 for row in rows]), 1)} | {', '.join(threads)}"


def _pm(figure: Told, digits: int, *, sign: bool = False) -> str:
    form = f".{digits}f"
    spread = "" if figure["spread"] is None else f" ± {figure['spread']:{form}}"
    return f"{figure['mean']:{'+' if sign else ''}{form}}{spread}"


def _earths(rows: Any) -> str:
    counts = sorted({len(of_name) for of_name in rows})
    return f"{counts[-1]} Earths" if len(counts) == 1 and counts[0] > 1 else "1 Earth" if counts == [1] else f"{counts[0]} to {counts[-1]} Earths"


_SPREAD = "mean and standard deviation over the Earths."
FIGURES: dict[str, Callable[[Row], str]] = {"hierloc_full": full_figures, "hierloc_ablations": ablation_figures}


if __name__ == "__main__":
    main()
