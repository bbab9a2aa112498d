from pathlib import Path

import pytest

from geocairn.data.columns import META_NAMES, USUAL_NAMES, known_columns, recognised_columns
from geocairn.data.found import FIELDS
from geocairn.data.import_settings import ImportSettings
from geocairn.errors import BadManifest, UnknownName

LIST = Path("list.csv")


def recognised(names, keep=(), **columns):
    return recognised_columns(LIST, names.split(","), ImportSettings(columns=columns, keep=keep))


def test_usual_names_are_recognised_whatever_their_case():
    assert recognised("IMG_ID,LAT,LON") == {"photo": "IMG_ID", "lat_deg": "LAT", "lon_deg": "LON"}
    assert recognised("Filename,Latitude,lng,Sub-Region,owner id,x") == {
        "photo": "Filename", "lat_deg": "Latitude", "lon_deg": "lng", "subregion": "Sub-Region", "author": "owner id"
    }  # fmt: skip


def test_no_name_means_two_things():
    every = [name for names in USUAL_NAMES.values() for name in names]
    assert len(every) == len(set(every))
    assert list(USUAL_NAMES) == list(FIELDS)


def test_two_columns_for_one_thing_are_refused_unless_chosen():
    with pytest.raises(BadManifest, match="'id', 'filename' could each be the photo; choose with --photo-column NAME"):
        recognised("id,filename,lat,lon")
    with pytest.raises(BadManifest, match="'country_code', 'cc' could each be the country; choose with --column country=NAME"):
        recognised("id,lat,lon,country_code,cc")
    assert recognised("id,filename,lat,lon", photo="filename")["photo"] == "filename"
    assert recognised("photo,id,lat,latitude,lat_deg,lon")["lat_deg"] == "lat_deg"
    assert "country" not in recognised("id,lat,lon,country_code,cc", country="")


def test_what_is_missing_is_told_with_what_there_is():
    with pytest.raises(BadManifest, match=r"list.csv: no column is the lon_deg; its columns are 'id', 'lat', 'east'; choose with --lon-column NAME"):
        recognised("id,lat,east")
    assert recognised("id,lat,east", lon_deg="east")["lon_deg"] == "east"
    with pytest.raises(BadManifest, match="no column is the photo"):
        recognised("id,lat,lon", photo="")


def test_wrong_choices_are_refused():
    with pytest.raises(UnknownName, match=r"no column 'east' for lon_deg; its columns are 'id', 'lat', 'lon'"):
        recognised("id,lat,lon", lon_deg="east")
    with pytest.raises(UnknownName, match="a manifest has no column 'town'; it has photo, lat_deg"):
        recognised("id,lat,lon", town="id")
    with pytest.raises(UnknownName, match="--keep east: it is not among its columns"):
        recognised("id,lat,lon", keep=("east",))
    with pytest.raises(UnknownName, match="--keep city: it is a column of every manifest"):
        recognised("id,lat,lon,city", keep=("city",))
    with pytest.raises(BadManifest, match="column 'lat' is meant to be lat_deg and lon_deg; choose one"):
        recognised("id,lat,east", lon_deg="lat")
    with pytest.raises(BadManifest, match="two columns are called 'note'; rename one"):
        recognised("id,lat,lon,note,note", keep=("note",))
    assert recognised("id,lat,lon,x,x") == {"photo": "id", "lat_deg": "lat", "lon_deg": "lon"}


def test_a_known_list_takes_the_first_of_its_names():
    names = ["IMG_ID", "LAT", "LON", "country", "country_code", "state", "region"]
    columns = known_columns(LIST, names, ImportSettings(), META_NAMES)
    assert (columns["country"], columns["region"]) == ("country_code", "state")
    chosen = known_columns(LIST, names, ImportSettings(columns={"country": "country", "region": ""}), META_NAMES)
    assert chosen["country"] == "country"
    assert "region" not in chosen
