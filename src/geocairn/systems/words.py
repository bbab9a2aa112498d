"""What stands in photos and hints, as clues over a bundle's own places."""

from functools import cached_property

from geocairn.clues.carried import Carrier
from geocairn.clues.clue import Clue
from geocairn.photo.read import Photo
from geocairn.places.atlas import Atlas, load_atlas
from geocairn.places.hierarchy import Hierarchy
from geocairn.systems.clues_only import read_hint, read_photo_text


class CarriedWords:
    """Reads over the atlas, which knows the names of the world, and carries what it reads to another hierarchy."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy

    def in_photo(self, photo: Photo) -> tuple[list[Clue], str | None]:
        """Clues of a photo's text, and why it is no photograph of a place, if it is none."""
        found, not_photo = read_photo_text(photo, self._atlas)
        return self._carried(found), not_photo

    def in_hint(self, words: str) -> list[Clue]:
        """Clues of a user's words."""
        return self._carried(read_hint(words, self._atlas))

    def _carried(self, clues: list[Clue]) -> list[Clue]:
        return [carried for clue in clues if (carried := self._carrier.carried(clue)) is not None]

    @cached_property
    def _atlas(self) -> Atlas:
        return load_atlas()

    @cached_property
    def _carrier(self) -> Carrier:
        return Carrier(self._atlas.hierarchy, self._hierarchy)
