"""Times of the command against bare Python and against text reading alone, all in one run on one machine."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from provenance import provenance, write_result

from geocairn.clues.reader import read_raw
from geocairn.locate import Locator
from geocairn.photo.listing import list_photos
from geocairn.photo.read import read_photo

RUNS = 10
PYTHON = sys.executable
COMMAND = str(Path(sys.executable).parent / "geocairn")


def median_seconds(command: Sequence[str], runs: int = RUNS) -> float:
    """Median wall time of a command, after one run that warms the disk's cache."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def throughput(photos: Sequence[str]) -> dict[str, float]:
    """Photos a second of text reading alone (decode and RapidOCR) and of whole answers, in turns over the same photos, one process each way."""
    locator = Locator.load("clues")
    locator.locate(photos[0])
    reading = answering = 0.0
    for photo in photos:
        started = time.perf_counter()
        try:
            read_raw(read_photo(photo).image)
        except ValueError:
            continue
        middle = time.perf_counter()
        locator.locate(photo)
        reading, answering = reading + middle - started, answering + time.perf_counter() - middle
    return {
        "photos": len(photos),
        "ocr_alone_per_s": round(len(photos) / reading, 3),
        "locate_per_s": round(len(photos) / answering, 3),
        "speed_of_ocr_alone": round(reading / answering, 4),
    }


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    photos = list(list_photos([parser.parse_args().folder]))
    bare = median_seconds([PYTHON, "-c", "pass"])
    with tempfile.TemporaryDirectory() as scratch:
        one_photo = median_seconds([COMMAND, "locate", photos[0], "--out", str(Path(scratch) / "one.json")])
    values = {
        "runs": RUNS,
        "bare_python_s": round(bare, 3),
        "import_geocairn_above_bare_s": round(median_seconds([PYTHON, "-c", "import geocairn"]) - bare, 3),
        "help_s": round(median_seconds([COMMAND, "--help"]), 3),
        "help_above_bare_s": round(median_seconds([COMMAND, "--help"]) - bare, 3),
        "load_places_s": round(places_seconds(), 3),
        "one_photo_warm_cache_s": round(one_photo, 3),
        **throughput(photos),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    digest = sha256(b"".join(sha256(Path(photo).read_bytes()).digest() for photo in photos)).hexdigest()
    write_result("bench_locate", {**values, **provenance(data_sha256=digest, seed=0)})
    print("\n".join(f"{key}: {value}" for key, value in values.items()))


def places_seconds() -> float:
    """Median time to load built places, the imports that it takes left out."""
    code = "import time, geocairn.places.atlas as a; t = time.perf_counter(); x = a.load_atlas(); x.gazetteer; print(time.perf_counter() - t)"
    return statistics.median(float(subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout) for _ in range(RUNS))


if __name__ == "__main__":
    main()
