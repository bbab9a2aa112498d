"""What manifests say, and what hierarchy the training rows give."""

import numpy as np
import pytest

from geocairn.places.hierarchy import check_hierarchy
from geocairn.synth.labels import hierarchy_of_training, labelled_places, manifest_table


@pytest.fixture(scope="module")
def labelled(earth, photos):
    return labelled_places(earth, photos)


def test_a_tenth_of_training_labels_below_the_country_is_missing(draw):
    earth, photos = draw(photos=20_000)
    labelled, whole = labelled_places(earth, photos), labelled_places(*draw(photos=20_000, missing=0.0))
    train, rest = photos.of_split("train"), np.flatnonzero(photos.split)
    for level in (1, 2, 3):
        has_place = whole[train, level] >= 0
        assert (labelled[train, level][has_place] < 0).mean() == pytest.approx(0.1, abs=0.01)
    np.testing.assert_array_equal(labelled[:, 0], whole[:, 0])
    np.testing.assert_array_equal(labelled[rest], whole[rest])


def test_labels_are_missing_independently_of_each_other(draw):
    earth, photos = draw(photos=20_000)
    train = photos.of_split("train")
    missing = labelled_places(earth, photos)[train][:, 1:] < 0
    whole = (labelled_places(*draw(photos=20_000, missing=0.0))[train] >= 0).all(axis=1)
    assert np.corrcoef(missing[whole].T)[np.triu_indices(3, 1)] == pytest.approx(np.zeros(3), abs=0.03)


def test_a_manifest_says_where_by_whom_and_of_what(earth, photos, labelled):
    table = manifest_table(earth, photos, labelled, "test")
    assert table.column_names == ["photo", "lat_deg", "lon_deg", "country", "region", "subregion", "city", "author", "scene16", "split"]
    rows = photos.of_split("test")
    row, first = int(rows[0]), {name: table[name][0].as_py() for name in table.column_names}
    leaf = int(earth.hierarchy.leaves[photos.city[row]])
    chain = {earth.hierarchy.level_names[earth.hierarchy.level[place]]: place for place in earth.hierarchy.chain(leaf)}
    assert first["photo"] == photos.names[row]
    assert [first["lat_deg"], first["lon_deg"]] == earth.sites.latlon_deg[photos.site[row]].tolist()
    assert first["country"] == earth.hierarchy.ids[chain["country"]]
    assert {name: first[name] for name in ("region", "subregion", "city")} == {
        name: earth.hierarchy.names[chain[name]] if name in chain else None for name in ("region", "subregion", "city")
    }
    assert (first["scene16"], first["split"]) == (str(photos.scene[row]), "test")
    assert first["author"] == f"author-{photos.author[row]:06d}"


def test_the_splits_share_no_photo_and_make_up_all(earth, photos, labelled):
    names = [manifest_table(earth, photos, labelled, split)["photo"].to_pylist() for split in ("train", "val", "test")]
    assert sorted(name for split in names for name in split) == photos.names


def test_the_hierarchy_of_training_rows_holds_what_they_are_labelled_with_and_no_more(earth, photos, labelled):
    hierarchy = hierarchy_of_training(earth, photos, labelled)
    check_hierarchy(hierarchy)
    train = photos.of_split("train")
    known = np.unique(labelled[train][labelled[train] >= 0])
    assert set(hierarchy.ids.to_list()) == {earth.hierarchy.ids[place] for place in known.tolist()}
    unseen = {earth.hierarchy.ids[leaf] for leaf in earth.hierarchy.leaves[earth.is_unseen].tolist()}
    assert unseen
    assert not unseen & set(hierarchy.ids.to_list())
    assert hierarchy.meta["count_of"] == "rows"
    assert hierarchy.count[list(hierarchy.places_of("country"))].sum() == len(train)


def test_missing_labels_tear_no_place_in_two(draw):
    """Each place lies in what it truly lies in, though some of its rows do not say so."""
    earth, photos = draw(photos=20_000)
    hierarchy = hierarchy_of_training(earth, photos, labelled_places(earth, photos))
    for place in range(len(hierarchy)):
        true = [earth.hierarchy.ids[above] for above in earth.hierarchy.chain(earth.hierarchy.index_of(hierarchy.ids[place]))]
        found = [hierarchy.ids[above] for above in hierarchy.chain(place)]
        assert set(found) <= set(true)
    complete = hierarchy_of_training(earth, photos, labelled_places(*draw(photos=20_000, missing=0.0)))
    assert len(complete) - len(hierarchy) < 0.1 * len(complete)


def test_a_count_is_of_rows_known_to_be_there(earth, photos, labelled):
    hierarchy = hierarchy_of_training(earth, photos, labelled)
    train = labelled[photos.of_split("train")]
    for place in list(hierarchy.places_of("city"))[:20]:
        assert hierarchy.count[place] == (train[:, 3] == earth.hierarchy.index_of(hierarchy.ids[place])).sum()
