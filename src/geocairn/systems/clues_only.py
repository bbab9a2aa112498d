"""The systems that need no training: `prior` knows where travel photos are taken, `clues` also reads what stands in the photo."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files

import numpy as np

from geocairn.answer.decide import Calibration
from geocairn.clues.clue import Clue, Tier, shipped_reliability
from geocairn.clues.currency import currency_clues
from geocairn.clues.domain import domain_clues
from geocairn.clues.language import language_clues
from geocairn.clues.phone import phone_clues
from geocairn.clues.postal_code import postal_code_clues
from geocairn.clues.reader import read_text
from geocairn.clues.script import script_clues
from geocairn.clues.street_words import street_word_clues
from geocairn.clues.text import ReadText
from geocairn.clues.toponym import toponym_clues
from geocairn.photo.not_photo import not_photo_reason
from geocairn.photo.read import Photo
from geocairn.places.atlas import Atlas
from geocairn.places.hierarchy import Hierarchy
from geocairn.systems.system import Evidence

TextReader = Callable[[ReadText, Hierarchy], list[Clue]]
READERS: tuple[TextReader, ...] = (language_clues, script_clues, street_word_clues, phone_clues, domain_clues, currency_clues, postal_code_clues)
# Words of one language betray it several times over: of these kinds only the most telling clue of a photo counts.
LINGUISTIC = ("language", "script", "street_word")
# A hint is written to say where: it is neither misread nor somebody's name on a wall.
RAISED = {Tier.WEAK: Tier.MEDIUM, Tier.MEDIUM: Tier.STRONG}


class PriorSystem:
    """Where travel photos are taken, whatever the photo shows: the floor that every other system has to beat."""

    name = "prior"

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.hierarchy = atlas.hierarchy
        self.territory = atlas.territory
        self.reliability: Mapping[Tier, float] = shipped_reliability()
        self.calibration = shipped_calibration()
        parts = {
            "system": self.name,
            "hierarchy": self.hierarchy.meta["arrays_sha256"],
            "calibration": self.calibration.sha256(),
            "reliability": {tier.value: value for tier, value in self.reliability.items()},
            "tables": tables_sha256(),
        }
        self.sha256 = sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        self._scores = (*(None for _ in self.hierarchy.level_names[:-1]), self.hierarchy.log_leaf_weight)

    def evidence(self, photo: Photo) -> Evidence:
        """The prior, for every photo."""
        return Evidence(self._scores)

    def hint_clues(self, words: str) -> list[Clue]:
        """Read a user's words with the same readers as a photo's text."""
        return read_hint(words, self.atlas)


class CluesSystem(PriorSystem):
    """The prior and what is read in the photo."""

    name = "clues"

    def evidence(self, photo: Photo) -> Evidence:
        """Read the photo's text and weigh it."""
        found, not_photo = read_photo_text(photo, self.atlas)
        return Evidence(self._scores, tuple(found), not_photo)


def read_photo_text(photo: Photo, atlas: Atlas) -> tuple[list[Clue], str | None]:
    """Clues of what is read in a photo, and why it is no photograph of a place, if it is none."""
    text = read_text(photo.image, photo.scale)
    boxes = np.array([line.box_px for line in text.lines], dtype=np.float64).reshape(-1, 4)
    return text_clues(text, atlas), not_photo_reason(photo, boxes)


def read_hint(words: str, atlas: Atlas) -> list[Clue]:
    """Clues of a user's words, read like a photo's text and trusted more."""
    # The language that a user writes in says nothing of the place.
    found = text_clues(ReadText.of_hint(words), atlas, readers=[reader for reader in READERS if reader is not language_clues])
    return [replace(clue, kind="hint", tier=RAISED.get(clue.tier, clue.tier)) for clue in found]


def tables_sha256() -> str:
    """Hash of the tables that the readers of text go by."""
    tables = sorted((table for table in files("geocairn.clues").iterdir() if table.name.endswith(".json")), key=lambda table: table.name)
    return sha256(b"".join(table.read_bytes() for table in tables)).hexdigest()


def text_clues(text: ReadText, atlas: Atlas, *, readers: Sequence[TextReader] = READERS) -> list[Clue]:
    """All clues of a text, toponyms first; linguistic ones that add nothing to each other reduced to the most telling."""
    if not text.lines:
        return []
    found = toponym_clues(text, atlas.hierarchy, atlas.gazetteer)
    for reader in readers:
        found += reader(text, atlas.hierarchy)
    return most_telling_of(LINGUISTIC, found)


def most_telling_of(kinds: Sequence[str], clues: Sequence[Clue]) -> list[Clue]:
    """The clues, but of the given kinds only the one that says most: trusted a tier more where another of them favours the same country."""
    reliability = shipped_reliability()
    rivals = [clue for clue in clues if clue.kind in kinds]
    if len(rivals) < 2:
        return list(clues)
    best = max(rivals, key=lambda clue: float(np.max(clue.log_likelihood(reliability))))
    is_confirmed = any(clue is not best and clue.supports == best.supports for clue in rivals)
    kept = replace(best, tier=RAISED.get(best.tier, best.tier)) if is_confirmed else best
    return [kept if clue is best else clue for clue in clues if clue.kind not in kinds or clue is best]


def shipped_calibration() -> Calibration:
    """The calibration that ships with the package (systems/calibration.json)."""
    values = json.loads(files("geocairn.systems").joinpath("calibration.json").read_text(encoding="utf-8"))
    return Calibration.parse("systems/calibration.json", values)
