import unicodedata
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.coordinates import Coded
from geocairn.places.labels import NoChain, chain_of_keys, chain_of_names, filled_labels, id_of_chain, name_of_label, stand_by_labels, table_of_chains

NAMES = st.text(st.sampled_from(list("aNn_/% é\u200d")), min_size=1, max_size=4).map(name_of_label)
COUNTRIES = st.sampled_from(["FR", "NA", "NZ", "a/b"])
CHAINS = st.tuples(COUNTRIES, NAMES, NAMES, NAMES)
MISSING = st.sampled_from(["NaN", "nan", ""])


def keys_of(chain, words):
    """OSV-5M's keys of a chain: the names up to each level, finest first, between underscores, a word for each missing one; None where the name is missing."""
    parts = [name or word for name, word in zip(chain, ("", *words), strict=True)]
    return [("_".join(reversed(parts[: level + 1])) if chain[level] else None) for level in range(4)]


@pytest.mark.parametrize("cell", ["", " ", "NaN", "nan", None, "\t"])
def test_no_name(cell):
    assert name_of_label(cell) == ""
    assert chain_of_names(["FR", cell, cell, "Paris"]) == ("FR", "", "", "Paris")
    with pytest.raises(NoChain, match="no country"):
        chain_of_names([cell, "a", "b", "c"])


@pytest.mark.parametrize("cell", ["NA", "Nan", "NAN", "None", "null", "N/A", "0"])
def test_what_looks_like_no_name_is_one(cell):
    assert name_of_label(cell) == cell


def test_namibia_is_no_missing_country():
    assert chain_of_names(["NA", "Khomas", None, "Windhoek"]) == ("NA", "Khomas", "", "Windhoek")
    assert chain_of_names(["NMB", "Khomas", None, "Windhoek"]) == ("NA", "Khomas", "", "Windhoek")
    for country in ("NA", "NMB", "NaN", "", None):
        assert chain_of_keys([country, "Khomas_NA", None, "Windhoek_NaN_Khomas_NA"]) == ("NA", "Khomas", "", "Windhoek")
    assert chain_of_keys(["NMB", "Khomas_NMB", None, None]) == ("NA", "Khomas", "", "")


def test_spellings_of_one_name_are_one_place_but_case_tells_places_apart():
    composed, decomposed = "Île", unicodedata.normalize("NFD", "Île")
    assert composed != decomposed
    assert chain_of_names(["FR", decomposed, None, None]) == chain_of_names(["FR", composed, None, None])
    assert chain_of_names(["FR", "île", None, None]) != chain_of_names(["FR", composed, None, None])


@pytest.mark.parametrize(
    ("keys", "chain"),
    {
        "as published": (["NZ", "Chatham Islands_NZ", None, "Waitangi_NaN_Chatham Islands_NZ"], ("NZ", "Chatham Islands", "", "Waitangi")),
        "a key for the missing level": (
            ["NZ", "Chatham Islands_NZ", "NaN_Chatham Islands_NZ", "Waitangi_NaN_Chatham Islands_NZ"],
            ("NZ", "Chatham Islands", "", "Waitangi"),
        ),
        "nan instead of NaN": (["NZ", "Chatham Islands_NZ", "nan", "Waitangi_nan_Chatham Islands_NZ"], ("NZ", "Chatham Islands", "", "Waitangi")),
        "an empty part": (["NZ", "Chatham Islands_NZ", None, "Waitangi__Chatham Islands_NZ"], ("NZ", "Chatham Islands", "", "Waitangi")),
        "no part": (["NZ", "Chatham Islands_NZ", None, "Waitangi_Chatham Islands_NZ"], ("NZ", "Chatham Islands", "", "Waitangi")),
        "two levels missing": (["MC", "NaN", "NaN", "Monaco_NaN_NaN_MC"], ("MC", "", "", "Monaco")),
        "underscores in names": (["US", "A_B_US", "C_D_A_B_US", "_E__F_C_D_A_B_US"], ("US", "A_B", "C_D", "_E__F")),
        "a name that ends like the level above": (["US", "B_US", "B_B_US", "A_B_B_B_US"], ("US", "B", "B", "A_B")),
        "an empty name": (["US", "_US", None, "A___US"], ("US", "", "", "A")),
        "all but the country missing": (["AQ", "NaN", "NaN", "NaN"], ("AQ", "", "", "")),
    }.values(),
)
def test_keys(keys, chain):
    assert chain_of_keys(keys) == chain


@pytest.mark.parametrize("keys", [["FR", "X_DE", None, None], ["FR", "X_FR", "Y_Z_FR", None], ["FR", "FR", None, None], ["FR", "XFR", None, None]])
def test_a_key_of_another_place_is_refused(keys):
    with pytest.raises(NoChain, match="does not end with the key above"):
        chain_of_keys(keys)


@given(CHAINS, st.tuples(MISSING, MISSING, MISSING))
def test_keys_come_apart_as_they_were_put_together(chain, words):
    # A name that ends in what stands for a missing level cannot be told from one above it; the data set has none.
    bare = tuple(name.strip("_").removesuffix("NaN").removesuffix("nan").strip("_ ") for name in chain[1:])
    chain = (chain[0], *map(name_of_label, bare))
    if chain[0] != "NA" and any(key and key.endswith("_NA") for key in keys_of(chain, words)):
        return
    assert chain_of_keys(keys_of(chain, words)) == chain


@given(st.lists(CHAINS, min_size=1, max_size=8))
def test_ids_tell_chains_apart_and_can_be_read_back(chains):
    ids = {chain: id_of_chain(chain) for chain in chains}
    assert len(set(ids.values())) == len(ids)
    for chain, place_id in ids.items():
        names = [unquote(part) for part in place_id.split("/")]
        assert tuple(names + [""] * (4 - len(names))) == chain


def test_ids_hold_nothing_that_breaks_a_line():
    assert id_of_chain(["FR", "a\nb", "\u202eevil", "50%"]) == "FR/a%0Ab/%E2%80%AEevil/50%25"


def test_places_stand_before_what_lies_in_them():
    chains = [("FR", "11", "", "Paris"), ("FR", "", "", ""), ("FR", "", "S", "x"), ("FR", "", "", "y"), None, ("FR", "11", "", "Paris")]
    table, place = table_of_chains(chains)
    assert list(table.ids) == ["FR", "FR///y", "FR//S", "FR//S/x", "FR/11", "FR/11//Paris"]
    assert table.parent.tolist() == [-1, 0, 0, 2, 0, 4]
    assert table.level.tolist() == [0, 3, 2, 3, 1, 3]
    assert table.stops().tolist() == [6, 2, 4, 4, 6, 6]
    assert place.tolist() == [5, 0, 3, 1, -1, 5]


def coded(cells):
    values = sorted({cell for cell in cells if cell is not None})
    return Coded(np.array([-1 if cell is None else values.index(cell) for cell in cells]), values)


@given(st.lists(st.tuples(st.sampled_from(["FR", "NA", "NaN", None]), *[st.sampled_from(["a", "b", "nan", "", None])] * 3), min_size=1, max_size=30))
def test_every_row_stands_in_the_place_that_its_labels_name(rows):
    standing = stand_by_labels([coded(column) for column in zip(*rows, strict=True)], chain_of_names)
    assert sum(standing.rejected.values()) == np.count_nonzero(standing.place < 0)
    for row, place in zip(rows, standing.place.tolist(), strict=True):
        if row[0] in ("NaN", None):
            assert place == -1
        else:
            assert standing.table.ids[place] == id_of_chain(chain_of_names(row))


def test_rows_without_a_country_are_counted_by_reason():
    columns = [coded(["FR", None, "FR"]), coded(["X_FR", "X_FR", "X_DE"]), coded([None] * 3), coded([None] * 3)]
    standing = stand_by_labels(columns, chain_of_keys)
    assert standing.place.tolist() == [1, -1, -1]
    assert standing.rejected == {"no country": 1, "a key that does not end with the key above it": 1}


def cells_of(columns):
    return [[None if code < 0 else column.values[code] for code in column.codes.tolist()] for column in columns]


def filled(*rows):
    return list(zip(*cells_of(filled_labels([coded(cells) for cells in zip(*rows, strict=True)])), strict=True))


def test_what_a_row_does_not_say_is_taken_from_rows_that_agree():
    rows = [
        ("FR", "11", None, "Paris"),
        ("FR", None, "Seine", "Paris"),
        ("FR", None, None, "Paris "),
        ("FR", None, "Seine", None),
        ("MC", None, None, "Paris"),
        ("FR", "84", None, "Saint-Denis"),
        ("FR", "11", "nan", "Saint-Denis"),
        ("FR", None, None, "Saint-Denis"),
        (None, None, None, "Paris"),
    ]
    assert filled(*rows) == [
        ("FR", "11", "Seine", "Paris"),
        ("FR", "11", "Seine", "Paris"),
        ("FR", "11", "Seine", "Paris"),
        # What Paris says of its subregion says more of the region.
        ("FR", "11", "Seine", None),
        # Another country's Paris, and a name that two places bear, say nothing.
        ("MC", None, None, "Paris"),
        ("FR", "84", None, "Saint-Denis"),
        ("FR", "11", None, "Saint-Denis"),
        ("FR", None, None, "Saint-Denis"),
        (None, None, None, "Paris"),
    ]


@given(st.data())
def test_labels_that_went_missing_come_back(data):
    # Names are borne once in their country, as on the synthetic Earth.
    cities = [("A", f"r{index % 2}", f"s{index % 4}", f"c{index}") for index in range(6)] + [("B", "r0", "s0", "c0")]
    shown = data.draw(st.lists(st.sampled_from(cities), min_size=1, max_size=30))
    kept = data.draw(st.lists(st.tuples(st.just(True), st.booleans(), st.booleans(), st.booleans()), min_size=len(shown), max_size=len(shown)))
    rows = [tuple(name if is_kept else None for name, is_kept in zip(city, keeps, strict=True)) for city, keeps in zip(shown, kept, strict=True)]
    once, whole = filled(*rows), filled(*shown)
    assert whole == shown
    for row, after, city in zip(rows, once, shown, strict=True):
        assert all(name is None or name == true for name, true in zip(after, city, strict=True))
        assert all(was is None or was == now for was, now in zip(row, after, strict=True))
        finest = max(level for level in range(4) if row[level] is not None)
        assert after[finest + 1 :] == (None,) * (3 - finest)
        # Where some row with the same finest place knows the level above, all do.
        for level in range(1, finest):
            if any(other[0] == row[0] and other[finest] == row[finest] and other[level] is not None for other in rows):
                assert after[level] == city[level]
    assert filled(*once) == once
