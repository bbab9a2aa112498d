"""All that defines a synthetic Earth and the photos drawn of it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from geocairn.config import Config

N_SCENES = 16
GROUP_OF_SCENE = (0,) * 6 + (1,) * 4 + (2,) * 6
"""Indoor, natural, urban: the groups of the 16 scene categories of Places365, in their order."""

Share = Annotated[float, Field(gt=0, lt=1)]
# Beyond these, each by itself would lose the noise of features that are kept in half precision, or overflow them.
Noise = Annotated[float, Field(ge=0.01, le=100)]
Variance = Annotated[float, Field(ge=1e-6, le=1e4)]
SPLITS = ("train", "val", "test")


class SynthSettings(Config):
    """The generator and its draws; equal settings give equal bytes."""

    photos: int = Field(200_000, ge=20, le=10_000_000, description="in all splits together")
    seed: int = Field(0, ge=0, description="of everything that is drawn")
    cities: int = Field(15_000, ge=2, le=100_000, description="drawn from GeoNames, without replacement")
    with_tokens: bool = Field(False, description="write tokens: linear views of the feature with noise, which add nothing to it")
    with_maps: bool = Field(False, description="write maps of classes, which say more of the place than the feature does")

    city_power: float = Field(0.55, ge=0, le=2, description="a city is drawn by its population to this power")
    gap_km: float = Field(8.0, ge=8, le=100, description="least distance between drawn cities; below 8 km a city might hold no site")
    prior_power: float = Field(0.8, ge=0, le=2, description="a city's share of photos goes by its population to this power")
    prior_spread: float = Field(1.2, ge=0, le=4, description="and by a factor whose logarithm spreads so much")
    cell_deg: float = Field(1.5, gt=0, le=90, description="side of the cells that stand in for subregions where GeoNames has none")
    unseen_share: float = Field(0.02, ge=0, lt=0.5, description="share of photos of the cities that no training photo shows")
    unseen_max: float = Field(1e-3, gt=0, le=1, description="largest share of such a city")

    val_share: Share = Field(0.05, description="share of validation photos")
    test_share: Share = Field(0.05, description="share of test photos")
    missing: float = Field(0.1, ge=0, lt=1, description="share of training labels left out at each level below the country")
    site_radius_km: float = Field(6.0, ge=4, le=20, description="farthest that a site lies from its city")
    site_jitter_km: float = Field(0.2, ge=0, le=0.2, description="farthest that a site lies from the centre of its cell")
    photos_per_author: float = Field(20.0, ge=1, le=1e6, description="of one author, on average")
    cities_per_author: int = Field(3, ge=1, description="neighbouring cities that an author lives near")
    authors_cross_splits: bool = Field(False, description="let authors take photos of all splits: a leak, from which no limit gains")

    place_dim: int = Field(64, ge=3, le=512, description="numbers of the place block")
    gates: Literal[3, 16] = Field(3, description="dimensions shown by group of scenes, or by scene, which is much harder to learn")
    open_share: Share = Field(2 / 3, description="share of the place block that a scene shows")
    sharpness: tuple[Share, Share, Share] = Field((0.3, 0.4, 0.3), description="probabilities of the sharpness classes")
    sigma: tuple[Noise, Noise, Noise] = Field((1.8, 3.0, 7.0), description="noise of the place block in each")
    level_variance: tuple[Variance, Variance, Variance, Variance] = Field((3.0, 0.8, 0.2, 0.06), description="effects of country, region, subregion, city")
    field_variance: float = Field(0.5, ge=0, le=1e4, description="of the smooth field on the sphere (climate)")
    field_frequency: float = Field(2.0, ge=0, le=1e3, description="spread of its wave numbers, in radians per radian")
    scene_scale: float = Field(3.0, ge=0.01, le=1e3, description="length of the scene block's vectors")
    author_dim: int = Field(32, ge=1, le=512, description="numbers of the author block")
    author_noise: float = Field(0.5, ge=0, le=100, description="from photo to photo of an author")
    warp_strength: float = Field(0.5, ge=0, le=4, description="of the invertible map that hides all blocks; 0 is a rotation")

    tokens: int = Field(16, ge=1, le=1024, description="tokens per photo")
    token_dim: int = Field(32, ge=1, le=1024, description="numbers per token")
    token_noise: float = Field(0.5, ge=0, le=100, description="of each")
    map_side: int = Field(16, ge=1, le=64, description="cells along each side of a map")
    map_classes: int = Field(150, ge=2, le=255, description="classes of a map, as many as ADE20K has")
    map_concentration: float = Field(20_000.0, ge=1, le=1e9, description="how alike the maps of a country's regions, and of the countries, are")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.val_share + self.test_share >= 1:
            raise ValueError("val_share and test_share leave no training photos")
        if abs(sum(self.sharpness) - 1) > 1e-9:
            raise ValueError("the probabilities of the sharpness classes do not sum to 1")
        if self.feature_dim % 2:
            raise ValueError(f"place_dim + {N_SCENES} + author_dim is odd, and the warp needs two halves")
        return self

    @property
    def feature_dim(self) -> int:
        """Numbers per feature: place, scene and author block."""
        return self.place_dim + N_SCENES + self.author_dim

    @property
    def gate_of_scene(self) -> tuple[int, ...]:
        """Which gate each scene shows the place through."""
        return GROUP_OF_SCENE if self.gates == 3 else tuple(range(N_SCENES))

    @property
    def encoder(self) -> str:
        """What feature stores call the generator: it is the same however many photos are drawn."""
        return f"synthetic-earth {self.model_copy(update={'photos': 20, 'with_tokens': False, 'with_maps': False}).sha256()[:16]}"
