"""From the name of a bundle to the system that it holds."""

from collections.abc import Callable

from geocairn.errors import UnknownName
from geocairn.places.atlas import Progress, load_atlas
from geocairn.systems.clues_only import CluesSystem, PriorSystem
from geocairn.systems.system import System

SHIPPED: dict[str, Callable[[Progress], System]] = {
    "clues": lambda progress: CluesSystem(load_atlas(progress)),
    "prior": lambda progress: PriorSystem(load_atlas(progress)),
}


def load_system(bundle: str, progress: Progress = lambda step: None) -> System:
    """The system of a bundle.

    Raises:
        UnknownName: no bundle has this name; the message lists them.
    """
    if bundle not in SHIPPED:
        raise UnknownName(f"bundle {bundle!r}: there is no such bundle; use one of {', '.join(SHIPPED)}")
    return SHIPPED[bundle](progress)
