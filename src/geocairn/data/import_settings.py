"""How a data set is imported."""

from pathlib import Path

from pydantic import Field

from geocairn.config import Config


class ImportSettings(Config):
    """What `geocairn data import` may be asked beside the set and its sources."""

    images: tuple[Path, ...] = Field(default=(), description="folders and archives in which the pictures are looked for; nothing is unpacked")
    require_images: bool = Field(default=False, description="leave out photos without a picture")
    salt: str | None = Field(default=None, min_length=1, description="secret that makes groups out of authors; None is a random one that nobody keeps")
    columns: dict[str, str] = Field(default={}, description="canonical column -> column of the source; an empty name leaves it out")
    keep: tuple[str, ...] = Field(default=(), description="further columns of the source to keep as they are")
    keep_photo_ids: bool = Field(default=False, description="leave Flickr's user numbers in photo names: they are personal data")
    trust_coordinates: bool = Field(default=False, description="import even where latitude and longitude look swapped")
