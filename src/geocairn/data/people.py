"""Who took a photo, without saying who: authors as salted groups, and Flickr's user numbers out of the names of photos."""

import hashlib
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

GROUP_HEX_DIGITS = 12
# A Flickr user number (NSID) such as 12345678@N00.
_USER = r"[0-9]+@N[0-9]{2}"


def author_groups(authors: pa.ChunkedArray, salt: str) -> pa.Array:
    """Each author as the first 12 hexadecimal digits of SHA-256(salt + author): equal authors stay equal, and without the salt none can be looked up.

    Two of a million authors share a group by chance once in about 600 sets.

    Args:
        authors: (N,) text; null stays null.

    Returns:
        (N,) text.
    """
    coded = pc.dictionary_encode(_one_chunk(authors))
    groups = [hashlib.sha256((salt + author).encode()).hexdigest()[:GROUP_HEX_DIGITS] for author in coded.dictionary.to_pylist()]
    return pa.array(groups, pa.string()).take(coded.indices)


def users_in_names(names: pa.ChunkedArray) -> pa.Array:
    """(N,) the Flickr user number in each photo's name; null where there is none."""
    return pc.struct_field(pc.extract_regex(_one_chunk(names), f"(?P<user>{_USER})"), "user")


def names_shared_without_users(names: pa.ChunkedArray) -> pa.Array:
    """The names, each once, that several photos would share if user numbers went: `a_1@N00.jpg` and `a_2@N00.jpg` are two photos."""
    different = _one_chunk(names).unique()
    counts = _stripped(different).value_counts()
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))


def names_without_users(names: pa.ChunkedArray, salt: str, shared: pa.Array | None = None) -> tuple[pa.Array, int]:
    """Photo names without Flickr user numbers: `_12345678@N00` goes, a number that stands elsewhere in the name becomes its salted group.

    Args:
        names: (N,) text.
        salt: of the groups.
        shared: names that several photos would come to share (`names_shared_without_users`): in these every number becomes its group, which holds them apart.

    Returns:
        (N,) text, and the number of names that changed.
    """
    names = _one_chunk(names)
    stripped = _stripped(names)
    if stripped is names:
        return names, 0
    is_shared = pc.is_in(stripped, shared if shared is not None else pa.array([], pa.string()))
    stripped = pc.if_else(is_shared, names, stripped)
    left = np.flatnonzero(pc.fill_null(pc.match_substring_regex(stripped, _USER), fill_value=False))
    if len(left):
        mended = [re.sub(_USER, lambda user: author_groups(pa.array([user[0]]), salt)[0].as_py(), name) for name in stripped.take(left).to_pylist()]
        mask = np.zeros(len(stripped), dtype=bool)
        mask[left] = True
        stripped = pc.replace_with_mask(stripped, pa.array(mask), pa.array(mended, pa.string()))
    return stripped, int(pc.sum(pc.not_equal(names, stripped)).as_py() or 0)


def _stripped(names: pa.Array) -> pa.Array:
    """Names without `_12345678@N00`; the same array where none has it."""
    return pc.replace_substring_regex(names, f"_{_USER}", "") if pc.any(pc.match_substring(names, "@N")).as_py() else names


def _one_chunk(cells: pa.ChunkedArray | pa.Array) -> pa.Array:
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
