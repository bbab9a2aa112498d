import hashlib

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from geocairn.data.people import author_groups, names_without_users, users_in_names

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


def test_no_names():
    assert names_without_users(pa.array([], pa.string()), "s")[0].to_pylist() == []
