import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import CITIES, small_earth

from geocairn.places.gazetteer import build_gazetteer, is_telling, load_gazetteer, name_key, save_gazetteer
from geocairn.places.geonames import City

KEYS = {
    "KEY WEST": "keywest",
    "Saint-Étienne": "saintetienne",
    "Łódź": "lodz",
    "Straße": "strasse",
    "Tromsø": "tromso",
    "Þingvellir": "thingvellir",
    "Diyarbakır": "diyarbakir",
    "Œuvre": "oeuvre",
    "L'Aquila": "laquila",
    "Cần Thơ": "cantho",
    "Αθήνα": "αθηνα",
    "МОСКВА": "москва",
    "Йошкар-Ола": "иошкарола",
    "القاهرة": "القاهرة",
    "ירושלים": "ירושלים",
    "東京": "東京",
    "ガザ": "ガザ",
    "パリ": "パリ",
    "バリ": "バリ",
    "ﾊﾟﾘ": "パリ",
    "서울": "서울",
    "दिल्ली": "दिल्ली",
    "ເຊບັ້ງໄຟ": "ເຊບັ້ງໄຟ",
    "กรุงเทพ": "กรุงเทพ",
    "ＰＡＲＩＳ": "paris",
    "75 Paris 3e": "parise",
    "": "",
    "123 !": "",
}


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_a_key_is_the_name_without_what_signs_lose(name, key):
    assert name_key(name) == key


@given(st.text(max_size=12))
def test_a_key_is_its_own_key_and_knows_no_case(name):
    key = name_key(name)
    assert name_key(key) == key
    assert not any(char.isspace() or char.isdigit() for char in key)


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=12))
def test_a_key_knows_no_case(name):
    assert name_key(name.upper()) == name_key(name.lower()) == name_key(name)


@pytest.mark.parametrize("name", ["Paris", "東京", "서울", "Ely", "МСК", "Αθήνα", "Nice"])
def test_telling_names(name):
    assert is_telling(name, name_key(name))


@pytest.mark.parametrize("name", ["京", "Po", "JFK", "NRT", "Å", "Paris 16", "", "USA", "LON."])
def test_what_cannot_be_told_from_noise(name):
    assert not is_telling(name, name_key(name))


def city(index, leaf, *other_names):
    return City(index, leaf.chain[-1], other_names, leaf.lat_deg, leaf.lon_deg, 1000, leaf.chain[0], leaf.chain[1] or "", "", "")


OTHERS = {"Tokyo": ("東京", "TYO", "Tokio"), "Lyon": ("Lyón", "Лион"), "Versailles": ("Paris",)}


@pytest.fixture(scope="module")
def gazetteer():
    cities = [city(index, leaf, *OTHERS.get(leaf.chain[-1], ())) for index, leaf in enumerate(CITIES)]
    return build_gazetteer(small_earth(), cities, {"FR": ["France", "Frankreich", "フランス"], "ZZ": ["Nowhere"]})


def bearers(gazetteer, name):
    earth = small_earth()
    return sorted((earth.ids[named.place], named.is_own) for named in gazetteer.find(name_key(name)))


def test_a_name_finds_all_its_places(gazetteer):
    assert bearers(gazetteer, "PARIS") == [
        ("FR/11/Paris", True),
        ("FR/11/Paris/Paris", True),
        ("FR/11/Yvelines/Versailles", False),
        ("US/TX/Lamar/Paris", True),
    ]
    assert bearers(gazetteer, "東京") == [("JP/13/Tokyo", False)]
    assert bearers(gazetteer, "Frankreich") == bearers(gazetteer, "フランス") == [("FR", True)]
    assert bearers(gazetteer, "лион") == [("FR/84/Rhône/Lyon", False)]
    assert bearers(gazetteer, "Lyón") == [("FR/84/Rhône/Lyon", True)]  # without its accent it is the city's own name
    for absent in ("TYO", "Nowhere", "Atlantis", "", "zzzz"):
        assert bearers(gazetteer, absent) == []


def test_every_key_finds_itself_and_the_major_ones_are_own_names(gazetteer):
    keys = gazetteer.keys.to_list()
    assert keys == sorted(set(keys))
    for row, key in enumerate(keys):
        assert gazetteer.find(key) == gazetteer.named(row) != []
    assert set(gazetteer.major_keys) <= set(keys)
    assert "tokyo" in gazetteer.major_keys
    assert "tokio" not in gazetteer.major_keys


def test_a_gazetteer_comes_back_as_it_was(gazetteer, tmp_path):
    save_gazetteer(gazetteer, tmp_path / "gazetteer.npz")
    back = load_gazetteer(tmp_path / "gazetteer.npz")
    assert back.keys.to_list() == gazetteer.keys.to_list()
    assert back.major_keys == gazetteer.major_keys
    assert [back.named(row) for row in range(len(back.keys))] == [gazetteer.named(row) for row in range(len(gazetteer.keys))]


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("Paris", "FR"),
        ("東京", "JP"),
        ("Москва", "RU"),
        ("Zürich", "CH"),
        ("Αθήνα", "GR"),
        ("القاهرة", "EG"),
        ("กรุงเทพมหานคร", "TH"),
        ("서울", "KR"),
        ("München", "DE"),
    ],
)
def test_the_whole_earths_names_in_their_own_scripts(atlas, name, country):
    heaviest = max(atlas.gazetteer.find(name_key(name)), key=lambda named: atlas.hierarchy.weight[named.place])
    assert atlas.hierarchy.ids[atlas.hierarchy.chain(heaviest.place)[0]] == country
