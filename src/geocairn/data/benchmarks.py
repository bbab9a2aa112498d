"""What is known of each public data set: its size, whose it is, and which files of it are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from geocairn.data.columns import META_NAMES
from geocairn.data.emp16 import read_emp16
from geocairn.data.exif_folder import read_folder
from geocairn.data.found import Found
from geocairn.data.import_settings import ImportSettings
from geocairn.data.info_lists import read_info_json, read_info_txt
from geocairn.data.mp16 import read_mp16_table
from geocairn.data.osv5m import read_osv5m
from geocairn.data.tables import table_reader
from geocairn.data.webdataset import read_webdataset
from geocairn.errors import UnknownName

Reader = Callable[[Path, ImportSettings], Found]

FLICKR = "photos are their Flickr authors', each under the licence that the author chose"
YFCC = f"{FLICKR} (YFCC100M: Creative Commons)"
THE_USERS = "whatever the owner of these photos allows"
SHARED_AUTHORS = "MP-16, YFCC4k and YFCC26k come from the same YFCC100M: leave out authors who are also in the test set (import both with one --salt)"


@dataclass(frozen=True)
class Benchmark:
    """A data set.

    Attributes:
        readers: how a source's name ends ("" is a folder) -> its reader.
        licence: whose photos these are, as far as is known.
        n_expected: photos of the whole set; None where there is no such number.
        n_expected_of: the same for lists by the beginning of their names.
        notes: what whoever reports results on it must know.
    """

    readers: Mapping[str, Reader]
    licence: str
    n_expected: int | None = None
    n_expected_of: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def expected(self, sources: list[Path]) -> int | None:
        """Photos that these lists should hold; None where nobody knows."""
        if self.n_expected is not None:
            return self.n_expected
        known = [next((n for start, n in self.n_expected_of.items() if source.name.startswith(start)), None) for source in sources]
        return sum(n for n in known if n is not None) if known and None not in known else None


_META = {suffix: table_reader(META_NAMES) for suffix in (".csv", ".tsv", ".parquet")}
_USUAL = {suffix: table_reader(None) for suffix in (".csv", ".tsv", ".parquet")}
_EMP16: dict[str, Reader] = {".jsonl": read_emp16, ".jsonl.bz2": read_emp16}
_MP16: dict[str, Reader] = dict.fromkeys((".csv", ".tsv", ".parquet"), read_mp16_table) | _EMP16
_NEAR_DUPLICATES = "many photos share a place or an author: bootstrap by author, not by photo"

BENCHMARKS: Mapping[str, Benchmark] = {
    "im2gps": Benchmark(_META | {".json": read_info_json}, FLICKR, 237),
    "im2gps3k": Benchmark(_META | {".json": read_info_json}, FLICKR, 2997, notes=("3,000 pictures, of which 2,997 have a place", _NEAR_DUPLICATES)),
    "yfcc4k": Benchmark(_META | {".txt": read_info_txt}, YFCC, 4536, notes=(SHARED_AUTHORS,)),
    "yfcc26k": Benchmark(_META | _EMP16, YFCC, 25_600, notes=("about a thousand addresses are dead: count them as failures", SHARED_AUTHORS)),
    "gws15k": Benchmark(_USUAL, "never released; street views are their provider's", 14_955, notes=("a rebuilt list is not the same set: say which",)),
    "mp16": Benchmark(_MP16, f"{YFCC}; EMP-16's list is under the ODbL", 4_723_695, notes=(SHARED_AUTHORS,)),
    "mp16-pro": Benchmark(_MP16, f"{YFCC}; MP16-Pro says: solely for academic research purposes", 4_654_532, notes=(SHARED_AUTHORS,)),
    "osv5m": Benchmark(
        {".csv": read_osv5m, ".parquet": read_osv5m},
        "CC BY-SA 4.0 (Mapillary's contributors; OpenStreetView-5M)",
        n_expected_of={"test": 210_122},
    ),
    "csv": Benchmark({suffix: _USUAL[suffix] for suffix in (".csv", ".tsv")}, THE_USERS),
    "parquet": Benchmark({".parquet": _USUAL[".parquet"]}, THE_USERS),
    "folder": Benchmark({"": read_folder}, THE_USERS, notes=("places are what the files claim, and may be wrong",)),
    "webdataset": Benchmark({".tar": read_webdataset, ".tar.gz": read_webdataset, ".tgz": read_webdataset}, THE_USERS),
}


def known_benchmark(name: str) -> Benchmark:
    """The data set of that name.

    Raises:
        UnknownName: there is none; the message lists those there are.
    """
    if name not in BENCHMARKS:
        raise UnknownName(f"data set {name!r}: not known; known are {', '.join(BENCHMARKS)} (any other list: csv or parquet)")
    return BENCHMARKS[name]
