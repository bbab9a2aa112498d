"""Geocairn: where on Earth was this photo taken, how sure are we, and why?"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geocairn.answer.prediction import Prediction
    from geocairn.errors import GeocairnError
    from geocairn.locate import Locator

__version__ = "0.1.0"
__all__ = ["GeocairnError", "Locator", "Prediction", "__version__"]

_HOMES = {"Locator": "geocairn.locate", "Prediction": "geocairn.answer.prediction", "GeocairnError": "geocairn.errors"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import geocairn` itself loads nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'geocairn' has no attribute {name!r}; it has {', '.join(__all__)}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
