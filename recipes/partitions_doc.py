"""Write the figures of docs/partitions.md from results/bench_partition.json: recipes/partitions_doc.py, run by bench_partition.sh. A test compares them."""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/partitions.md"
BEGIN, END = "<!-- figures: written by recipes/partitions_doc.py from results/; do not edit -->\n", "<!-- end of figures -->\n"


def figures() -> str:
    result = json.loads((ROOT / "results/bench_partition.json").read_text(encoding="utf-8"))
    cells, without = result["n_cells"], result["n_points_without_a_cell"]
    machine, n_points = result["machine"], result["n_points"]
    rows = [
        f"{n_points:,} seeded coordinates as photos lie (around GeoNames' cities, with scatter and point masses), {result['n_cores']} cores, "
        f"{machine['processor']}, Python {machine['python']}:",
        "",
        "| step | measured |",
        "|---|---|",
        f"| leaf ids | {result['leaf_ids_s']:.2f} s |",
        f"| the same by s2sphere in the same run, extrapolated from {result['s2sphere_leaf_ids_per_s']:,} a second | "
        f"{result['s2sphere_leaf_ids_s_extrapolated']} s |",
        f"| sort | {result['sort_s']:.2f} s |",
        f"| all {len(cells)} levels after the sort | {result['all_levels_after_sort_s']:.2f} s |",
        f"| the class of every point at all levels | {result['assign_all_points_to_all_levels_s']:.2f} s |",
        f"| whole hierarchy, means and radii with it | {result['whole_hierarchy_s']:.1f} s |",
        f"| peak memory | {result['peak_memory_mib']} MiB |",
        "",
        f"| level | {' | '.join(cells)} |",
        f"|---|{'---|' * len(cells)}",
        f"| cells | {' | '.join(f'{n:,}' for n in cells.values())} |",
        f"| points without one | {' | '.join(f'{n / n_points:.2%}' for n in without.values())} |",
        "",
    ]
    return "\n".join(rows)


def main() -> None:
    words = PAGE.read_text(encoding="utf-8")
    before, after = words.split(BEGIN)[0], words.split(END)[1]
    PAGE.write_text(before + BEGIN + figures() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
