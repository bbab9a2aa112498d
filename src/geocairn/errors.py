"""Every exception that Geocairn raises on purpose: one line that says what was wrong, the value, and the mend."""


class GeocairnError(Exception):
    """Base of all errors meant for people: the command line prints it as one line and exits 2; in a batch it becomes the row's `error`."""


class BadConfig(GeocairnError):
    """A setting, flag or configuration file that cannot be used."""


class BadCoordinate(GeocairnError):
    """A latitude or longitude that is not on Earth."""


class BadCell(GeocairnError):
    """A number that is no S2 cell, or a cell that has no such ancestor, child or neighbour."""


class BadPhoto(GeocairnError):
    """A file or object that cannot be read as a photo."""


class BadManifest(GeocairnError):
    """A manifest or a file of predictions that cannot be used."""


class BadHierarchy(GeocairnError):
    """A hierarchy of places that breaks one of its laws or cannot be read."""


class BadBundle(GeocairnError):
    """A bundle (a trained system in a folder) that is damaged, incomplete, or not for what it is asked."""


class BadEncoder(GeocairnError):
    """A pretrained encoder that cannot be fetched, is damaged or incomplete, or is not of a kind that is known."""


class BadFeatures(GeocairnError):
    """A feature store that is damaged, incomplete, or not of the photos or encoder it is asked about."""


class BadRun(GeocairnError):
    """A training run that cannot be started, continued or finished."""


class BadOutput(GeocairnError):
    """An output file that cannot be written or continued."""


class MissingExtra(GeocairnError):
    """An optional part of Geocairn that is not installed."""


class UnknownName(GeocairnError):
    """A name that is not among the known ones; the message lists them."""
