"""What the training part of the first run says, on a terminal and in its page."""

from collections.abc import Mapping, Sequence

from geocairn.demo.samples import Sample
from geocairn.evaluate.markdown import markdown_table
from geocairn.evaluate.report import Report
from geocairn.export.words import kilometres, percent

STATEMENT = "The places are real, but all features are generated: these figures show that the code works and say nothing of real photos."
# In the order of the table: what each system is.
SYSTEMS = {
    "prior": "knows how many photos each city has, and sees nothing",
    "neighbours": "nearest neighbours over the training features",
    "softmax": "flat classification over the cities",
    "hierloc": "hyperbolic embeddings of all places (HierLoc)",
    "learnable": "limit of what these training photos can teach",
    "bayes": "limit of all: knows how features are generated",
}
SYSTEM_HEADINGS = ("right, %", "country", "region", "subregion", "city", "median km", "GeoScore")
SAMPLE_HEADINGS = ("true place", "answer of hierloc", "off by", "probability")
_LEVELS = ("country", "region", "subregion", "city")


def system_rows(reports: Mapping[str, Report]) -> list[tuple[str, ...]]:
    """A row of figures for each system, from the floor to the limits."""
    return [_system_row(name, reports[name]) for name in SYSTEMS]


def sample_rows(samples: Sequence[Sample]) -> list[tuple[str, ...]]:
    """True place, answer, distance and probability of each sample."""
    return [(sample.true_place, *_answer(sample)) for sample in samples]


def page(reports: Mapping[str, Report], samples: Sequence[Sample], *, n_train: int, n_test: int) -> str:
    """All of it as Markdown."""
    explained = "\n".join(f"* `{name}`: {what}" for name, what in SYSTEMS.items())
    parts = (
        "# Trained on a small synthetic Earth",
        f"**{STATEMENT}**",
        f"{n_train} training photos, {n_test} test photos. Each system answers with its likeliest place.",
        markdown_table(SYSTEM_HEADINGS, system_rows(reports)),
        explained,
        "![true places, coloured by how far the answers of hierloc lie](report/errors.png)",
        "## Ten test photos" if len(samples) == 10 else f"## {len(samples)} test photos",
        "They stand evenly spread over the test photos; nobody chose them. [On a map](samples.html).",
        markdown_table(SAMPLE_HEADINGS, sample_rows(samples)),
    )
    return "\n\n".join(parts) + "\n"


def _system_row(name: str, report: Report) -> tuple[str, ...]:
    levels = (f"{report.level_accuracy_pct[level]:.1f}" if level in report.level_accuracy_pct else "-" for level in _LEVELS)
    median = "infinite" if report.median_km is None else f"{report.median_km:,.0f}"
    return (name, *levels, median, f"{report.geoscore:,.0f}")


def _answer(sample: Sample) -> tuple[str, str, str]:
    best = sample.prediction.best
    if best is None:
        return sample.prediction.error or "none", "-", "-"
    unsure = "" if sample.prediction.abstain is None else "no answer; first: "
    place = ", ".join(dict.fromkeys((best.chain[-1], best.chain[0])))
    return f"{unsure}{place}", kilometres(sample.km), f"{percent(best.p)} within {kilometres(best.radius_km)}"
