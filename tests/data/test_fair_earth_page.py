"""The figures of docs/fair_earth.md are those of results/fair_earth.json."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_figures_of_the_page_are_those_of_the_results():
    page = (ROOT / "docs/fair_earth.md").read_text(encoding="utf-8")
    results = json.loads((ROOT / "results/fair_earth.json").read_text(encoding="utf-8"))
    for name, found in results["variants"].items():
        countries = found["countries_drawn"]
        cells = [f"{countries['mean']} ({countries['min']:.0f} to {countries['max']:.0f})"]
        cells += [f"{found[by]['mean']:.3f} ({found[by]['min']:.3f} to {found[by]['max']:.3f})" for by in ("gini_cities_drawn", "gini_area")]
        cells += [f"{found[by]['mean']:.1f} %" for by in ("on_land_pct", "across_a_border_pct")]
        assert f"| {name} | {' | '.join(cells)} |" in page
    published = results["published"]
    assert f"| *{published['gws15k']['n_countries']}* | *{published['gws15k']['gini_per_city']}* |" in page
    whole, beside = results["variants"]["as published"], results["beside"]["photos"]
    few, fair = beside["set"], beside["sample_of_the_same_size"]
    assert few["n"] == fair["n"] == 600
    words = " ".join(page.split())
    assert (
        f"600 photos of Im2GPS3k have a Gini of {few['gini_city_seen']:.2f}, and 14,955 places of the fair sample {whole['gini_city_seen']['mean']:.2f};"
        in words
    )
    assert f"it is {fair['gini_city_seen']:.2f}:" in words
    land = (
        f"By land the 600 photos have {few['gini_area']:.2f}, the 600 places {fair['gini_area']:.2f}, and all 14,955 places {whole['gini_area']['mean']:.2f}."
    )
    assert land in words
