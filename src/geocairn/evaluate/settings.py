"""What an evaluation is asked to do."""

from pathlib import Path

from pydantic import Field

from geocairn.answer.decide import Decide
from geocairn.config import Config
from geocairn.errors import BadConfig


class EvaluationSettings(Config):
    """What is evaluated, against what, and how. Exactly one of bundle and predictions is given."""

    bundle: str | None = Field(default=None, description="name or folder of a bundle that is to place the manifest's photos")
    predictions: Path | None = Field(default=None, description="file of predictions: .csv, .parquet or .jsonl")
    photos: Path | None = Field(default=None, description="folder that the manifest's photos are relative to; its own folder by default")
    protocol: str = "geoestimation"
    group_by: str | None = Field(default=None, description="column of the manifest for a table by its values")
    against: Path | None = Field(default=None, description="file of predictions to compare with, photo by photo")
    decide: Decide = Field(default="mode", description="rule by which a bundle chooses its points; a file's points are scored as they stand")
    jobs: int = Field(default=1, ge=1, description="processes of a bundle; changes nothing but speed")
    n_resamples: int = Field(default=1000, ge=2, description="resamples of every bootstrap")
    seed: int = Field(default=0, ge=0, description="of the draws of every bootstrap")

    def check(self) -> None:
        """Check what no single setting shows.

        Raises:
            BadConfig: not exactly one of bundle and predictions, or a decision rule for a file, whose points are already decided.
        """
        if (self.bundle is None) == (self.predictions is None):
            given = "both are given" if self.bundle is not None else "neither is given"
            raise BadConfig(f"--bundle, --predictions: {given}; name the bundle or the file of predictions that is to be evaluated")
        if self.predictions is not None and self.decide != "mode":
            raise BadConfig(f"--decide {self.decide}: the points of {self.predictions} are decided already; leave --decide out or evaluate a --bundle")
