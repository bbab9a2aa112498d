import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GROUPS = ("places", "data", "build", "features", "bundle")  # words that lead to further commands
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def help_of(*words):
    run = subprocess.run([sys.executable, "-m", "geocairn", *words, "--help"], capture_output=True, text=True, check=True)
    return run.stdout


def test_readme_figures_are_those_of_the_results(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "recipes"))
    recipe = runpy.run_path(str(ROOT / "recipes/readme.py"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.split(recipe["BEGIN"])[1].split(recipe["END"])[0] == recipe["figures"]()


def test_figures_of_the_partitions_are_those_of_the_results():
    recipe = runpy.run_path(str(ROOT / "recipes/partitions_doc.py"))
    page = recipe["PAGE"].read_text(encoding="utf-8")
    assert page.split(recipe["BEGIN"])[1].split(recipe["END"])[0] == recipe["figures"]()


def test_figures_of_the_synthetic_earth_are_those_of_the_results():
    recipe = runpy.run_path(str(ROOT / "recipes/synth_limits_page.py"))
    page = recipe["PAGE"].read_text(encoding="utf-8")
    assert page.split(recipe["BEGIN"])[1].split(recipe["END"])[0] == recipe["figures"]()
    assert "Nothing here says how well a model works on real photos" in page


def test_the_protocols_page_has_the_tables_of_the_results_and_the_rules_of_the_code():
    import json

    from geocairn.evaluate.protocol import PROTOCOLS

    recipe = runpy.run_path(str(ROOT / "recipes/protocols_page.py"))
    page = (ROOT / "docs/protocols.md").read_text(encoding="utf-8")
    for name, text in recipe["tables"]().items():
        begin, end = recipe["markers"](name)
        assert page.split(begin)[1].split(end)[0] == text, name
    result = json.loads((ROOT / "results/protocols.json").read_text(encoding="utf-8"))
    assert result["rules"] == {name: rules.model_dump(mode="json") for name, rules in PROTOCOLS.items()}
    assert "generated" in result["note"]


def test_formats_name_every_key_of_a_report():
    from geocairn.evaluate.report import Report

    page = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    table = page.split("| key of `report.json` |")[1].split("\n\n")[0]
    assert [key for key in Report.model_fields if f"`{key}`" not in table] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_commands_and_flags_of_the_readme_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in re.findall(r"^geocairn (.*?)(?:  +#.*)?$", readme, flags=re.MULTILINE):
        words = line.split()
        command = words[: 1 + sum(word in GROUPS for word in words[:2])]
        text = help_of(*command)
        assert [flag for flag in re.findall(r"--[a-z-]+", line) if flag not in text] == [], line


def test_recipes_that_the_readme_names_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z_]+\.(?:sh|py)\b", readme))
    assert [name for name in named if not (ROOT / "recipes" / name).exists()] == []


def test_every_result_says_where_it_came_from():
    import json

    for result in sorted((ROOT / "results").glob("*.json")):
        values = json.loads(result.read_text(encoding="utf-8"))
        values = values.get("provenance", values)
        assert {"commit", "data_sha256", "seed", "machine"} <= set(values), result.name
