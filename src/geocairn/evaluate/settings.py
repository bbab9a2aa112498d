"""What an evaluation is asked to do."""

from pathlib import Path

from pydantic import Field

from geocairn.answer.decide import Decide
from geocairn.config import Config
from geocairn.errors import BadConfig


class EvaluationSettings(Config):
    """What is evaluated, against what, and how. Exactly one of bundle, predictions and oracle is given."""

    bundle: str | None = Field(default=None, description="name or folder of a bundle that is to place the manifest's photos")
    predictions: Path | None = Field(default=None, description="file of predictions: .csv, .parquet or .jsonl")
    oracle: Path | None = Field(default=None, description="folder of a hierarchy, or gallery of coordinates, whose best possible answers are scored")
    oracle_level: str | None = Field(default=None, description="level of the oracle's hierarchy; by default its leaves")
    photos: Path | None = Field(default=None, description="folder that the manifest's photos are relative to; its own folder by default")
    encoder: str | None = Field(default=None, description="where the bundle's image encoder lies, if not where it lay in training")
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
            BadConfig: not exactly one of bundle, predictions and oracle, a level without an oracle, or a decision rule for points that are already decided.
        """
        sources = {"--bundle": self.bundle, "--predictions": self.predictions, "--oracle": self.oracle}
        given = [flag for flag, value in sources.items() if value is not None]
        if len(given) != 1:
            said = "none is given" if not given else f"{' and '.join(given)} are given"
            raise BadConfig(f"{', '.join(sources)}: {said}; name one bundle, file of predictions, or hierarchy or gallery that is to be evaluated")
        if self.oracle_level is not None and self.oracle is None:
            raise BadConfig(f"--oracle-level {self.oracle_level}: there is no --oracle; name the folder of the hierarchy whose level it is")
        if self.bundle is None and self.encoder is not None:
            raise BadConfig(f"--encoder {self.encoder}: there is no --bundle that it could encode photos for; leave it out")
        if self.bundle is None and self.decide != "mode":
            decided = f"{self.predictions or self.oracle}"
            raise BadConfig(f"--decide {self.decide}: the points of {decided} are decided already; leave --decide out or evaluate a --bundle")
