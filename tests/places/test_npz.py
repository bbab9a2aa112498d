import numpy as np
import pytest

from geocairn.places import npz
from geocairn.places.npz import TooMuch, read_npz


def test_arrays_come_back_however_they_are_packed(tmp_path):
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", a=np.arange(5), b=np.ones((2, 3)))
        found = read_npz(tmp_path / "a.npz")
        assert list(found) == ["a", "b"]
        np.testing.assert_array_equal(found["b"], np.ones((2, 3)))


def test_a_small_file_that_asks_for_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1 << 20), b=np.zeros(1 << 20))
    assert len(read_npz(tmp_path / "a.npz")["a"]) == 1 << 20
    monkeypatch.setattr(npz, "_NEVER_TOO_MUCH_BYTES", 1 << 23)
    monkeypatch.setattr(np, "load", lambda *given, **more: pytest.fail("unpacked"))
    size = (tmp_path / "a.npz").stat().st_size
    with pytest.raises(TooMuch, match=f"its arrays need {2 * ((1 << 23) + 128)} bytes, too many for a file of {size}$"):
        read_npz(tmp_path / "a.npz")


def test_a_large_file_is_refused_too(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", a=np.arange(1000))
    monkeypatch.setattr(npz, "MAX_BYTES", 8000)
    with pytest.raises(TooMuch):
        read_npz(tmp_path / "a.npz")
