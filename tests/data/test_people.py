import hashlib

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from geocairn.data.people import author_groups, names_shared_without_users, names_without_users, users_in_names

AUTHORS = st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=20)


@given(AUTHORS, st.text(min_size=1, max_size=8))
def test_groups_hold_the_authors_apart_and_together(authors, salt):
    groups = author_groups(pa.array(authors, pa.string()), salt).to_pylist()
    assert [group is None for group in groups] == [author is None for author in authors]
    assert len(set(zip(authors, groups, strict=True))) == len(set(authors)) == len(set(groups))
    assert all(len(group) == 12 and int(group, 16) >= 0 for group in groups if group is not None)


def test_a_group_is_the_hash_of_salt_and_author():
    expected = hashlib.sha256(b"pepper" + b"10@N00").hexdigest()[:12]
    assert author_groups(pa.array(["10@N00"]), "pepper").to_pylist() == [expected]
    assert author_groups(pa.array(["10@N00"]), "salt").to_pylist() != [expected]
    assert author_groups(pa.array([None], pa.string()), "salt").to_pylist() == [None]


def test_users_leave_the_names():
    names = ["104_7f_19_12409712@N00.jpg", "34/8d/905.jpg", "12409712@N00/1.jpg", "a@Nob.jpg", None]
    stripped, n_changed = names_without_users(pa.array(names), "s")
    group = author_groups(pa.array(["12409712@N00"]), "s")[0].as_py()
    assert stripped.to_pylist() == ["104_7f_19.jpg", "34/8d/905.jpg", f"{group}/1.jpg", "a@Nob.jpg", None]
    assert n_changed == 2
    assert users_in_names(pa.array(names)).to_pylist() == ["12409712@N00", None, "12409712@N00", None, None]


@given(st.lists(st.from_regex(r"[a-z0-9_/]{0,6}[0-9]{2,5}@N[0-9]{2}[a-z0-9_.]{0,6}", fullmatch=True), min_size=1, max_size=5))
def test_no_user_number_stays(names):
    stripped, n_changed = names_without_users(pa.array(names), "s")
    assert n_changed == len(names)
    assert all(user is None for user in users_in_names(stripped).to_pylist())


def test_photos_that_differ_in_their_user_alone_stay_apart():
    names = pa.array(["1_ab_12345678@N00.jpg", "1_ab_87654321@N00.jpg", "1_ab.jpg", "2_ab_12345678@N00.jpg", "1_ab_12345678@N00.jpg", None])
    shared = names_shared_without_users(names)
    assert shared.to_pylist() == ["1_ab.jpg"]
    one, other = author_groups(pa.array(["12345678@N00", "87654321@N00"]), "s").to_pylist()
    stripped, n_changed = names_without_users(names, "s", shared)
    assert stripped.to_pylist() == [f"1_ab_{one}.jpg", f"1_ab_{other}.jpg", "1_ab.jpg", "2_ab.jpg", f"1_ab_{one}.jpg", None]
    assert n_changed == 4


@given(st.lists(st.from_regex(r"[ab_]{0,2}[0-9]@N0[01][ab_]{0,2}", fullmatch=True), max_size=8))
def test_as_many_names_as_before(names):
    stripped, _ = names_without_users(pa.array(names, pa.string()), "s", names_shared_without_users(pa.array(names, pa.string())))
    assert len(set(stripped.to_pylist())) == len(set(names))
    assert len(set(zip(names, stripped.to_pylist(), strict=True))) == len(set(names))


def test_no_names():
    assert names_without_users(pa.array([], pa.string()), "s")[0].to_pylist() == []
