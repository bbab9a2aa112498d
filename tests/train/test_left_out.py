from dataclasses import replace

import numpy as np
import pytest
import torch

from geocairn.errors import BadManifest
from geocairn.train.hierloc import HierLocTask
from geocairn.train.kinds import KINDS
from geocairn.train.left_out import AuthorSums, own_photos
from geocairn.train.recipe import parse_recipe


def task_of(earth, folder, leave_out: str) -> HierLocTask:
    values = {"system": "hierloc", "data": {"dir": str(earth)}, "text": {"dim": 8}}
    values["model"] = {
        "dim": 8,
        "image": {"hidden": 8, "width": 8},
        "attention": {"heads": 2, "fuse_hidden": 8},
        "entities": {"hidden": 8, "leave_out": leave_out},
    }
    return HierLocTask(parse_recipe(KINDS["hierloc"].recipe, values, source="test"), folder)


def test_the_photos_of_a_batch_are_left_out_level_by_level():
    features, labels = torch.randn(3, 2), torch.tensor([[0, 5], [1, -1], [-1, -2]])
    country, city = own_photos(features, labels)
    assert country.entity.tolist() == [0, 1]
    assert country.total.equal(features[:2])
    assert (city.entity.tolist(), city.n_photos.tolist()) == ([5], [1])


def test_all_that_the_authors_took_in_a_place_is_left_out_once(small_synth, tmp_path):
    rows = task_of(small_synth, tmp_path, "none").train
    features = rows.read(np.arange(len(rows))).double()
    batch = np.concatenate([np.flatnonzero(rows.author == rows.author[0])[:2], np.arange(40, 60)])
    found = AuthorSums.of(rows).left_out(batch, torch.device("cpu"))
    for level, left_out in enumerate(found):
        place = rows.labels[:, level]
        wanted = {(place[row], rows.author[row]) for row in batch if place[row] >= 0}
        assert len(left_out.entity) == len(wanted)
        for entity in {int(entity) for entity, _ in wanted}:
            of_pairs = np.isin(rows.author, [author for at, author in wanted if at == entity]) & (place == entity)
            here = left_out.entity == entity
            assert int(left_out.n_photos[here].sum()) == of_pairs.sum()
            torch.testing.assert_close(left_out.total[here].sum(0).double(), features[torch.from_numpy(of_pairs)].sum(0), rtol=1e-4, atol=1e-3)


def test_photos_of_nobody_known_are_left_out_alone(small_synth, tmp_path):
    rows = task_of(small_synth, tmp_path, "none").train
    author = np.where(np.arange(len(rows)) % 2, rows.author, -1)
    country = AuthorSums.of(replace(rows, author=author)).left_out(np.array([0, 2, 4]), torch.device("cpu"))[0]
    assert sorted(country.entity.tolist()) == sorted(rows.labels[[0, 2, 4], 0].tolist())
    assert country.n_photos.tolist() == [1, 1, 1]
    with pytest.raises(BadManifest, match="no training row names one"):
        AuthorSums.of(replace(rows, author=np.full(len(rows), -1)))


def test_what_is_left_out_changes_the_loss_of_training_and_nothing_else(small_synth, tmp_path):
    rows, losses, validated = torch.arange(16), {}, {}
    for leave_out in ("none", "photos", "authors"):
        torch.manual_seed(0)
        task = task_of(small_synth, tmp_path / leave_out, leave_out)
        torch.manual_seed(1)
        losses[leave_out] = task.loss(rows, 0)[0].item()
        task.model.eval()
        validated[leave_out] = task.validate()
    assert len(set(losses.values())) == 3
    assert validated["none"] == validated["photos"] == validated["authors"]
