"""The prior over places: how many travel photos are taken in a city before anything is seen of them."""

import json
from functools import cache
from importlib.resources import files
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from geocairn.config import Config
from geocairn.errors import UnknownName

Factor = Annotated[float, Field(gt=0)]


class PhotoPrior(Config):
    """A city draws photos by its people, by its fame (in how many names the world speaks of it) and by its land; countries differ by a factor.

    share of a city ~ country_factor * (
        (people + people_floor) ** people_power * (1 + names) ** fame_power / town_total + land * area ** land_power / land_total
    )

    Fitted by recipes/fit_prior.sh: maximum likelihood on geotagged travel photos, each author's photos together weighing as the square root of their
    number; country factors are shrunk towards their subcontinent's and those towards 1 (Gamma-Poisson, by as many photos as
    `fitted_on["country_pseudo_photos"]` says), so a country never seen gets its subcontinent's.
    """

    people_power: float = Field(0.5, ge=0, le=2)
    people_floor: float = Field(1000.0, gt=0, description="people added to every city: half of GeoNames' villages have none on record")
    fame_power: float = Field(1.0, ge=0, le=4)
    land: float = Field(0.1, ge=0, le=10, description="photos taken for the land, per photo taken for the town")
    land_power: float = Field(1.0, ge=0, le=2, description="power of a territory's area that its land draws photos with")
    subcontinent_factor: dict[str, Factor] = Field(default_factory=dict, description="by name of the subregion (places/subcontinents.json)")
    country_factor: dict[str, Factor] = Field(default_factory=dict, description="by ISO 3166 alpha-2 code; others have their subcontinent's")
    fitted_on: dict[str, str | int | float] = Field(default_factory=dict, description="what the numbers above were fitted on")

    @field_validator("subcontinent_factor")
    @classmethod
    def _are_subcontinents(cls, factors: dict[str, float]) -> dict[str, float]:
        strangers = sorted(set(factors) - set(_subcontinents().values()))
        if strangers:
            raise ValueError(f"{strangers[0]!r} is no subregion of places/subcontinents.json")
        return factors


@cache
def shipped_prior() -> PhotoPrior:
    """The prior that ships with the package (places/prior.json)."""
    values = json.loads(files("geocairn.places").joinpath("prior.json").read_text(encoding="utf-8"))
    return PhotoPrior.parse("places/prior.json", values)


def city_shares(
    prior: PhotoPrior,
    *,
    people: NDArray[np.int64],
    names: NDArray[np.int64],
    area_km2: NDArray[np.float64],
    country: NDArray[np.str_],
) -> NDArray[np.float64]:
    """Expected share of photos of each city.

    Args:
        people: (L,) population, 0 where unknown.
        names: (L,) how many other names the city has.
        area_km2: (L,) area of its territory.
        country: (L,) ISO 3166 alpha-2 codes.

    Returns:
        (L,) float64, positive, summing to 1.
    """
    shares = base_shares(prior, people=people, names=names, area_km2=area_km2)
    factor = {code: prior.country_factor.get(code, prior.subcontinent_factor.get(subcontinent_of(code), 1.0)) for code in np.unique(country).tolist()}
    shares = shares * np.array([factor[code] for code in country.tolist()])
    return np.asarray(shares / shares.sum())


def subcontinent_of(country: str) -> str:
    """Name of the subregion of the United Nations' geoscheme that a country (ISO 3166 alpha-2) lies in.

    Raises:
        UnknownName: the table does not know the country.
    """
    if country not in _subcontinents():
        raise UnknownName(f"country {country!r}: is in no subcontinent; add it to places/subcontinents.json")
    return _subcontinents()[country]


@cache
def _subcontinents() -> dict[str, str]:
    named = json.loads(files("geocairn.places").joinpath("subcontinents.json").read_text(encoding="utf-8"))
    return {code: name for name, codes in named.items() if name != "about" for code in codes.split()}


def base_shares(prior: PhotoPrior, *, people: NDArray[np.int64], names: NDArray[np.int64], area_km2: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shares before countries and continents are told apart; as `city_shares`."""
    town = (people + prior.people_floor) ** prior.people_power * (1.0 + names) ** prior.fame_power
    land = np.maximum(area_km2, 1.0) ** prior.land_power
    shares = town / town.sum() + prior.land * land / land.sum()
    return np.asarray(shares / shares.sum())
