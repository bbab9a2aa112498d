import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_figures_of_the_page_are_those_of_the_results():
    recipe = runpy.run_path(str(ROOT / "recipes/search_doc.py"))
    page = (ROOT / "docs/search.md").read_text(encoding="utf-8")
    assert page.split(recipe["BEGIN"])[1].split(recipe["END"])[0] == recipe["figures"]()
