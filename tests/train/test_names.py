import numpy as np
import pytest
from tests.models.tiny import save_tiny, save_tokenizer

from geocairn.errors import UnknownName
from geocairn.models.text_encoder import load_text_encoder
from geocairn.models.text_features import HashedText
from geocairn.train.names import NameSettings

NAMES = ["Paris, France", "Rome, Italy"]


def test_names_are_hashed_by_default():
    np.testing.assert_array_equal(NameSettings(dim=32, longest=3).embed(NAMES), HashedText(dim=32, longest=3).embed(NAMES))


def test_names_are_read_by_a_clip_where_one_is_named(tmp_path):
    folder = save_tokenizer(save_tiny(tmp_path, "clip"))
    np.testing.assert_array_equal(NameSettings(encoder=str(folder)).embed(NAMES), load_text_encoder(str(folder)).embed(NAMES))


def test_an_unknown_encoder_is_refused():
    with pytest.raises(UnknownName, match="no-such-clip"):
        NameSettings(encoder="no-such-clip").embed(NAMES)
