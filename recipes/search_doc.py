"""Write the figures of docs/search.md from results/bench_hierloc.json: recipes/search_doc.py, run by bench_hierloc.sh. A test compares them."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/search.md"
BEGIN, END = "<!-- figures: written by recipes/search_doc.py from results/; do not edit -->\n", "<!-- end of figures -->\n"


def figures() -> str:
    result = json.loads((ROOT / "results/bench_hierloc.json").read_text(encoding="utf-8"))
    parts = (_speed(result), _widths(result), _head(result["head"]), _training(result["training"]), _growth(result["growth"]))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _speed(result: dict[str, Any]) -> list[str]:
    memory, speed, machine = result["memory"], result["speed"], result["machine"]
    sizes = " / ".join(f"{n:,}" for n in result["entities"].values())
    ways = {
        "beam": "beam 10",
        "flat_all_levels": "flat, nearest of each of the four levels",
        "faiss_alone_all_levels": "the same by FAISS alone, order not made sure of",
        "flat_last_level": "flat, nearest of the last level",
    }
    rates, ratios = [[speed[f"{cores}_{what}"] for cores in ("all_cores", "one_core")] for what in ("images_per_s", "beam_is_faster_by")]
    paper = speed["paper_flat_images_per_s"]
    return [
        f"{sizes} entities, d = {result['dim']}, planted along a tree with noise; {result['queries']:,} queries near leaves; {machine['cpus']} cores, "
        f"{machine['processor']}, Python {machine['python']}, load {result['load_before']} of other work when it began. Medians of runs in turns; an image is "
        "one query, whatever number of levels is searched for it. By the clock on all cores, and on one thread by the time that a core gave it, which other "
        "work on the machine moves less.",
        "",
        f"Memory: index {memory['index_mb']} MB ({memory['vectors_mb']} of them vectors; target {memory['target_mb']:.0f}), shared by both searches; beside it "
        f"the beam takes {memory['beam_peak_beside_mb']} MB at most, flat search {memory['flat_peak_beside_mb']}, FAISS's own buffers not counted.",
        "",
        "| search | images/s, all cores | beam is faster by | images/s, one core | beam is faster by |",
        "|---|---|---|---|---|",
        *(f"| {words} | {rates[0][way]:,} | {ratios[0][way]:.2f} | {rates[1][way]:,} | {ratios[1][way]:.2f} |" for way, words in ways.items()),
        f"| HierLoc's paper, flat, its own machine | {paper:,} | {rates[0]['beam'] / paper:.2f} | | {rates[1]['beam'] / paper:.2f} |",
    ]


def _widths(result: dict[str, Any]) -> list[str]:
    rows = [
        f"| {row['width']} | {score} | {told['same_as_flat_pct']:.1f} | {_by_level(told['planted_pct'])} | {told['one_core_images_per_s']:,} |"
        for score in ("last", "sum")
        for row in result["by_width"]
        for told in [row[score]]
    ]
    return [
        f"| width | score | answer of flat search, % | planted {' | planted '.join(f'{level}, %' for level in result['entities'])} | images/s, one core |",
        f"|---|---|---|{'---|' * len(result['entities'])}---|",
        *rows,
        f"| flat | last | 100.0 | {_by_level(result['flat_planted_pct'])} | |",
    ]


def _head(head: dict[str, Any]) -> list[str]:
    rates = [[row["batch"], *(row[f"{way}_images_per_s"] for way in ("attention", "beam", "whole"))] for row in head["by_batch"]]
    return [
        f"The whole head, from features ({head['d_img']:,} numbers) to places: the image's tangent looks at all entities ({head['heads']} heads), whose "
        f"projected keys and values are kept ({head['kept_mb']:,.0f} MB); then beam 10. Weights as drawn; all cores. HierLoc's paper counts the search alone.",
        "",
        "| photos at a time | attention, images/s | beam, images/s | both, images/s |",
        "|---|---|---|---|",
        *(f"| {' | '.join(f'{number:,.0f}' for number in row)} |" for row in rates),
    ]


def _training(rows: list[dict[str, Any]]) -> list[str]:
    told = "; ".join(f"batch {row['batch']:,}: {row['step_s']:.1f} s" for row in rows)
    return [
        "A training step by the paper's recipe on the same cores, float32, with the table of all entities made anew and learned from in each: "
        f"{told}; memory of the process at most {max(row['peak_of_process_gb'] for row in rows):.1f} GB.",
    ]


def _growth(growth: dict[str, Any]) -> list[str]:
    columns = {"entities": "entities", "beam_ms": "beam 10, ms/image", "flat_ms": "flat, ms/image", "flat_over_beam": "flat / beam", "index_mb": "index, MB"}
    columns |= {"attention_ms": "attention, ms/image", "kept_mb": "keys and values, MB"}
    forms = {"entities": ",", "beam_ms": ".3f", "flat_ms": ".3f", "flat_over_beam": ".1f", "index_mb": ",.1f", "attention_ms": ".2f", "kept_mb": ",.1f"}
    batches = f"batches of {growth['queries']}, for attention of {growth['images']}"
    slopes = f"beam {growth['beam_slope']:.2f}, flat {growth['flat_slope']:.2f}, attention {growth['attention_slope']:.2f}"
    return [
        f"Growth with the number of entities ({growth['countries']} countries always, children per place growing alike at all levels; {batches}; one core). "
        f"Slope of the logarithms, where 1 is linear: {slopes}.",
        "",
        f"| {' | '.join(columns.values())} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(format(row[key], forms[key]) for key in columns)} |" for row in growth["rows"]),
    ]


def _by_level(percentages: list[float]) -> str:
    return " | ".join(f"{percentage:.1f}" for percentage in percentages)


def main() -> None:
    words = PAGE.read_text(encoding="utf-8")
    before, after = words.split(BEGIN)[0], words.split(END)[1]
    PAGE.write_text(before + BEGIN + figures() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
