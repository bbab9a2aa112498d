"""Preprocessing: what transformers' own image processors make of the same photos, for every family; odd photos; settings that make no sense."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tests.models.tiny import BitImageProcessorPil, CLIPImageProcessorPil, SiglipImageProcessorPil, ViTImageProcessorPil
from tests.photo.corpus import scene

from geocairn.errors import BadEncoder
from geocairn.models.encoders import FAMILIES
from geocairn.models.preprocess import MOST_RESIZED_PX, RESAMPLES, Preprocessing, read_preprocessing

SQUARE = {"height": 32, "width": 48}
# What the folders of these encoders say, with sizes that make odd margins.
PROCESSORS = {
    "clip": (CLIPImageProcessorPil, {"size": {"shortest_edge": 37}, "crop_size": {"height": 32, "width": 31}}),
    "siglip": (SiglipImageProcessorPil, {"size": SQUARE}),
    "swin": (ViTImageProcessorPil, {"size": SQUARE, "resample": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}),
    "vit": (ViTImageProcessorPil, {"size": SQUARE, "resample": 0}),
    "dinov2": (BitImageProcessorPil, {"size": {"shortest_edge": 41}, "crop_size": {"height": 28, "width": 28}, "resample": 1}),
}
PHOTOS = {"landscape": (97, 61), "portrait": (50, 171), "square": (37, 37), "small": (9, 14), "pixel": (1, 1), "strip": (3, 400), "flat": (400, 3)}


def photo(size):
    return scene(3, *size)


def preprocessing(tmp_path, told, family="clip"):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
    return read_preprocessing(tmp_path, FAMILIES[family].processor)


@pytest.mark.parametrize("family", PROCESSORS)
@pytest.mark.parametrize("size", PHOTOS.values(), ids=PHOTOS)
def test_pixels_are_those_of_transformers(tmp_path, family, size):
    kind, settings = PROCESSORS[family]
    processor = kind(**settings)
    processor.save_pretrained(tmp_path)
    ours = read_preprocessing(tmp_path, FAMILIES[family].processor)
    theirs = np.asarray(processor(photo(size), return_tensors="np")["pixel_values"][0])
    found = ours.pixels(photo(size))
    assert found.dtype == np.float32
    assert found.shape == (3, *ours.size_px)
    np.testing.assert_allclose(found, theirs, atol=1e-5)


@pytest.mark.parametrize(("do", "changed"), [("do_center_crop", {}), ("do_rescale", {}), ("do_normalize", {}), ("do_resize", {}), ("rescale_factor", 1 / 100)])
def test_every_step_can_be_left_out_as_in_transformers(tmp_path, do, changed):
    settings = {"size": {"height": 40, "width": 40}, "crop_size": SQUARE, do: changed or False}
    processor = CLIPImageProcessorPil(**settings)
    processor.save_pretrained(tmp_path)
    theirs = np.asarray(processor(photo((97, 61)), return_tensors="np")["pixel_values"][0])
    np.testing.assert_allclose(read_preprocessing(tmp_path, FAMILIES["clip"].processor).pixels(photo((97, 61))), theirs, atol=1e-5)


@pytest.mark.parametrize(("family", "kind"), [(family, kind) for family, (kind, _) in PROCESSORS.items()])
def test_what_a_file_leaves_out_is_as_in_transformers(tmp_path, family, kind):
    theirs = np.asarray(kind()(photo((97, 61)), return_tensors="np")["pixel_values"][0])
    np.testing.assert_allclose(preprocessing(tmp_path, {}, family).pixels(photo((97, 61))), theirs, atol=1e-5)


def test_files_of_older_days_give_one_number(tmp_path):
    old = {"do_resize": True, "size": 40, "do_center_crop": True, "crop_size": 32, "do_normalize": True, "resample": 3, "feature_extractor_type": "x"}
    assert preprocessing(tmp_path, old) == preprocessing(tmp_path, old | {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}})
    assert preprocessing(tmp_path, {"size": 40}, "vit").resize_px == (40, 40)


@pytest.mark.parametrize("size", [(97, 61), (9, 14), (1, 1), (400, 3)])
def test_dinov3_scales_first_and_resizes_real_numbers(tmp_path, size):
    told = {"image_processor_type": "DINOv3ViTImageProcessorFast", "size": SQUARE, "crop_size": None, "do_center_crop": None, "resample": 2}
    levels = torch.from_numpy(np.asarray(photo(size)).transpose(2, 0, 1).copy())[None].float() / 255
    resized = torch.nn.functional.interpolate(levels, (32, 48), mode="bilinear", antialias=True, align_corners=False)[0]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    golden = (resized - mean[:, None, None]) / std[:, None, None]
    np.testing.assert_allclose(preprocessing(tmp_path, told, "dinov3_vit").pixels(photo(size)), golden.numpy(), atol=1e-5)


def test_black_photos_are_one_colour():
    found = Preprocessing(resize_px=(8, 8), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)).pixels(Image.new("RGB", (64, 48)))
    assert (found == -1).all()


def test_a_photo_that_would_become_a_strip_of_gigabytes_is_cut_first():
    strip = scene(5, 1600, 4)
    settings = Preprocessing(resize_shortest_px=224, crop_px=(224, 224))
    assert MOST_RESIZED_PX < 224 * (224 * 400)
    whole = np.asarray(strip.resize((224 * 400, 224), Image.Resampling.BICUBIC), dtype=np.float64)
    start = (224 * 400 - 224) // 2
    found = settings.pixels(strip).transpose(1, 2, 0) * 255
    np.testing.assert_allclose(found, whole[:, start : start + 224], atol=1.01)
    assert settings.pixels(strip.transpose(Image.Transpose.ROTATE_90)).shape == (3, 224, 224)
    assert np.isfinite(Preprocessing(resize_shortest_px=224, crop_px=(224, 224)).pixels(Image.new("RGB", (1, 1600)))).all()


def test_every_setting_changes_pixels_and_hash():
    base = {"resize_px": (20, 20), "crop_px": (16, 16), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    changes = {
        "resize_px": (24, 20),
        "crop_px": (16, 12),
        "resample": "nearest",
        "resize_floats": True,
        "scale": 0.01,
        "mean": (0.5, 0.4, 0.5),
        "std": (0.5, 0.4, 0.5),
        "resize_shortest_px": 18,
    }
    assert set(changes) == set(Preprocessing.model_fields)
    made = [Preprocessing(**base)]
    made += [Preprocessing(**base | ({"resize_px": None} if name == "resize_shortest_px" else {}) | {name: value}) for name, value in changes.items()]
    assert len({settings.sha256() for settings in made}) == len(made)
    assert len({settings.pixels(photo((97, 61))).tobytes() for settings in made}) == len(made)
    assert Preprocessing.model_validate_json(made[0].model_dump_json()) == made[0]


def test_filters_bear_the_numbers_of_pillow():
    assert [Image.Resampling[name.upper()] for name in RESAMPLES] == list(range(len(RESAMPLES)))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"do_pad": True}, "do_pad is true, a step that is not known"),
        ({"do_center_crop": False}, "photos would have many sizes"),
        ({"size": {"longest_edge": 9}}, "is no size"),
        ({"size": "large"}, "is no size"),
        ({"size": {"shortest_edge": 0}}, "resize_shortest_px = 0"),
        ({"crop_size": {"height": 32, "width": 1 << 20}}, "sides are from 1 to 8192"),
        ({"resample": -1}, "KeyError: -1"),
        ({"image_std": [1, 0, 1]}, "std is above 0"),
        ({"image_mean": [0.5, 0.5]}, "mean"),
        ({"rescale_factor": "x"}, "scale = 'x'"),
        ([], "holds no settings"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(tmp_path, told, said):
    with pytest.raises(BadEncoder, match=said) as refused:
        preprocessing(tmp_path, told)
    assert "\n" not in str(refused.value)
    assert "preprocessor_config.json" in str(refused.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_damaged_files_are_one_line(tmp_path, text):
    (tmp_path / "preprocessor_config.json").write_bytes(text)
    with pytest.raises(BadEncoder, match="not readable as JSON"):
        read_preprocessing(tmp_path, FAMILIES["clip"].processor)
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(BadEncoder, match="no such file; download the encoder's whole folder"):
        read_preprocessing(tmp_path, FAMILIES["clip"].processor)
