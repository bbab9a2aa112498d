"""Image encoders: each family by the real code path on tiny random weights; strict loading; a photo's numbers whatever its company."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tests.models.tiny import FAMILIES as TINY
from tests.models.tiny import SIDE, VISION, save_tiny

from geocairn.errors import BadConfig, BadEncoder, UnknownName
from geocairn.models.encoders import BLOCK, ENCODERS, FAMILIES, load_encoder
from geocairn.models.pretrained import WEIGHTS, run_in_blocks

PAGE = Path(__file__).parents[2] / "docs/encoders.md"


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A folder for each family."""
    return {family: save_tiny(tmp_path_factory.mktemp(family), family) for family in TINY}


@pytest.fixture
def copied(folders, tmp_path):
    """A copy of a family's folder, to be damaged."""
    return lambda family="vit": shutil.copytree(folders[family], tmp_path / family)


@pytest.fixture(scope="session")
def pixels():
    return torch.randn(11, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def reencoded(folder, change):
    """Change the weights of a folder."""
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def test_every_family_is_tested():
    assert set(TINY) == set(FAMILIES)
    assert all(hasattr(transformers, family.model) for family in FAMILIES.values())
    assert len(set(ENCODERS.values())) == len(ENCODERS)


# From the models themselves, by the ways that their documentation tells: what each family's paper calls the feature of a photo.
def pooled_by_hand(family, folder, pixels):
    if family == "clip":
        return transformers.CLIPModel.from_pretrained(folder).eval().get_image_features(pixels).pooler_output
    if family == "siglip":
        return transformers.SiglipModel.from_pretrained(folder).eval().get_image_features(pixels).pooler_output
    if family == "clip_vision_model":
        model = transformers.CLIPVisionModelWithProjection.from_pretrained(folder).eval()
        hidden = model.vision_model(pixels).last_hidden_state
        return model.visual_projection(model.vision_model.post_layernorm(hidden[:, 0]))
    if family == "swin":
        return transformers.SwinForImageClassification.from_pretrained(folder).eval().swin(pixels).last_hidden_state.mean(1)
    kinds = {"vit": "ViTModel", "dinov2": "Dinov2Model", "dinov2_with_registers": "Dinov2WithRegistersModel", "dinov3_vit": "DINOv3ViTModel"}
    if family == "siglip_vision_model":
        model = transformers.SiglipVisionModel.from_pretrained(folder).eval()
        return model.head(model(pixels).last_hidden_state)
    return getattr(transformers, kinds[family]).from_pretrained(folder).eval()(pixels).last_hidden_state[:, 0]


@pytest.mark.parametrize("family", TINY)
def test_features_are_what_the_family_calls_so(folders, pixels, family):
    encoder = load_encoder(str(folders[family]), device="cpu")
    found = encoder.features(pixels)
    with torch.no_grad():
        expected = pooled_by_hand(family, folders[family], pixels)
    assert found.shape == (11, encoder.dim)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert found.std() > 0.01


def test_tokens_of_clip_come_before_the_last_norm_with_the_class_token_first(folders, pixels):
    encoder = load_encoder(str(folders["clip"]), device="cpu")
    tokens = encoder.tokens(pixels)
    assert tokens.shape == (11, encoder.n_tokens, encoder.token_dim) == (11, 1 + (SIDE // 8) ** 2, 16)
    model = transformers.CLIPModel.from_pretrained(folders["clip"]).eval()
    with torch.no_grad():
        from_class_token = model.visual_projection(model.vision_model.post_layernorm(tokens[:, 0]))
    torch.testing.assert_close(encoder.features(pixels), from_class_token, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", TINY)
def test_a_photo_has_the_same_bytes_whatever_its_company(folders, pixels, family):
    encoder = load_encoder(str(folders[family]), device="cpu")
    whole = encoder.features(pixels)
    for size in (1, 3, 8):
        parts = torch.cat([encoder.features(pixels[start : start + size]) for start in range(0, 11, size)])
        assert torch.equal(parts, whole), size
    assert torch.equal(encoder.features(pixels.flip(0)).flip(0), whole)
    assert torch.equal(encoder.tokens(pixels[4:5]), encoder.tokens(pixels)[4:5])


def test_blocks_have_one_shape_and_no_photo_is_lost():
    seen = []

    def network(block):
        seen.append(tuple(block.shape))
        return block.sum(1)

    for n in (0, 1, 4, 5, 9):
        rows = torch.arange(n * 2.0).reshape(n, 2)
        assert torch.equal(run_in_blocks(network, rows, 4, "cpu"), rows.sum(1))
    assert set(seen) == {(4, 2)}


def test_a_gpu_without_room_is_told():
    def network(block):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(BadConfig, match=r"device cpu: too little memory for 4 rows of \(2,\)"):
        run_in_blocks(network, torch.zeros(1, 2), 4, "cpu")


def test_nothing_is_learned_and_nothing_dropped_out(folders, pixels):
    encoder = load_encoder(str(folders["swin"]), device="cpu")
    found = encoder.features(pixels.requires_grad_())
    pixels.requires_grad_(False)
    assert not found.requires_grad
    assert torch.equal(encoder.features(pixels), found)
    head = torch.nn.Linear(encoder.dim, 2)
    head(found).sum().backward()  # what is learned on top of features may use them
    assert head.weight.grad is not None


@pytest.mark.parametrize("family", TINY)
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_precision_changes_numbers_a_little_and_the_identity(folders, pixels, family, precision):
    full, half = (load_encoder(str(folders[family]), device="cpu", precision=name) for name in ("float32", precision))
    assert full.identity != half.identity
    assert half.features(pixels).dtype == half.tokens(pixels).dtype == torch.float32
    assert not torch.equal(full.features(pixels), half.features(pixels))
    torch.testing.assert_close(half.features(pixels), full.features(pixels), rtol=0.05, atol=0.05)


def test_the_hash_is_of_all_that_decides_the_numbers(copied, tmp_path):
    folder = copied("vit")
    first = load_encoder(str(folder))
    moved = folder.rename(tmp_path / "moved")
    assert load_encoder(str(moved)).identity == first.identity
    hashes = {first.sha256}
    told = json.loads((moved / "preprocessor_config.json").read_text())
    (moved / "preprocessor_config.json").write_text(json.dumps(told | {"image_mean": [0.1, 0.2, 0.3]}))
    hashes.add(load_encoder(str(moved)).sha256)
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 0.1}))
    hashes.add(load_encoder(str(moved)).sha256)
    reencoded(moved, lambda weights: weights["layernorm.bias"].add_(1))
    hashes.add(load_encoder(str(moved)).sha256)
    assert len(hashes) == 4


def test_shards_are_read_like_one_file(folders, pixels, tmp_path):
    model = transformers.ViTModel.from_pretrained(folders["vit"])
    model.save_pretrained(tmp_path, max_shard_size="8KB")
    shutil.copy(folders["vit"] / "preprocessor_config.json", tmp_path)
    assert not (tmp_path / WEIGHTS).exists()
    assert torch.equal(load_encoder(str(tmp_path)).features(pixels), load_encoder(str(folders["vit"])).features(pixels))
    index = tmp_path / "model.safetensors.index.json"
    listed = json.loads(index.read_text())
    next(tmp_path.glob("model-00001*")).unlink()
    with pytest.raises(BadEncoder, match="which is no file beside it"):
        load_encoder(str(tmp_path))
    for parts in ({"a": "../elsewhere.safetensors"}, {}, None):
        index.write_text(json.dumps(listed | {"weight_map": parts}))
        with pytest.raises(BadEncoder, match=r"index\.json"):
            load_encoder(str(tmp_path))


def test_old_indices_among_the_weights_are_no_fault(copied):
    folder = copied("clip")
    reencoded(folder, lambda weights: weights.update({"vision_model.embeddings.position_ids": torch.arange(17)}))
    assert load_encoder(str(folder)).dim == 12


def _lose(weights):
    del weights[next(key for key in weights if "layernorm" in key)]


def _add(weights):
    weights["adapter.weight"] = torch.zeros(2)


def _reshape(weights):
    key = next(key for key in weights if "layernorm" in key)
    weights[key] = torch.zeros(5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_lose, r"lacks .*layernorm.* \(1 in all"),
        (_add, "unknown to the network: adapter.weight"),
        (_reshape, r"its weights do not fit its config\.json: .*layernorm.* is \(5,\), but \(16,\) by the configuration \(1 such in all; ViTModel\); take"),
    ],
)
def test_weights_are_all_there_and_no_others(copied, change, said):
    folder = copied()
    reencoded(folder, change)
    with pytest.raises(BadEncoder, match=said) as refused:
        load_encoder(str(folder))
    assert "\n" not in str(refused.value)


def _truncate(folder):
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])


def _pickle(folder):
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def _pickle_under_our_name(folder):
    torch.save(load_file(folder / WEIGHTS), folder / "x")
    (folder / "x").replace(folder / WEIGHTS)


def _tell(**changes):
    def change(folder):
        told = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(told | changes))

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_truncate, "cannot be loaded"),
        (_pickle, r"pytorch_model\.bin: weights in a pickle"),
        (_pickle_under_our_name, "cannot be loaded"),
        (lambda folder: (folder / WEIGHTS).unlink(), "holds no model.safetensors"),
        (lambda folder: (folder / "config.json").unlink(), r"a folder without a config\.json; give the folder of an encoder, or one of dinov3-vitl16,"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), r"preprocessor_config\.json: no such file"),
        (_tell(model_type="bert"), "model_type 'bert' is no image encoder that is known; they are clip,"),
        (_tell(model_type=["vit"]), "no image encoder"),
        (_tell(hidden_size=17), r"do not fit its config\.json: .* \(30 such in all; ViTModel\); take both from one encoder"),
        (_tell(num_hidden_layers=3), "lacks"),
        (_tell(num_hidden_layers=1), "unknown to the network"),
        (_tell(num_channels=1), r"do not fit its config\.json: .*projection.weight is \(16, 3, 8, 8\), but \(16, 1, 8, 8\)"),
        (_tell(intermediate_size=24), r"do not fit its config\.json: .*\(6 such in all; ViTModel\)"),
        (_tell(image_size=64), "its weights do not fit its config.json|does not take 32 x 32 pixels"),
    ],
)
def test_damaged_folders_are_one_line(copied, damage, said):
    folder = copied()
    damage(folder)
    with pytest.raises(BadEncoder, match=said) as refused:
        load_encoder(str(folder))
    assert "\n" not in str(refused.value)
    assert "ignore_mismatched_sizes" not in str(refused.value)


def test_pixels_of_another_size_than_the_network_are_told(copied):
    folder = copied()
    told = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(told | {"size": {"height": 64, "width": 64}}))
    with pytest.raises(BadEncoder, match="does not take 64 x 64 pixels"):
        load_encoder(str(folder))


def test_a_tower_without_the_head_that_pools_is_told(tmp_path):
    config = transformers.SiglipVisionConfig(**VISION, vision_use_head=False)
    transformers.SiglipVisionModel(config).save_pretrained(save_tiny(tmp_path, "siglip_vision_model"))
    with pytest.raises(BadEncoder, match="does not take 32 x 32 pixels"):
        load_encoder(str(tmp_path))


def test_pixels_that_were_not_preprocessed_are_refused(folders):
    encoder = load_encoder(str(folders["vit"]), device="cpu")
    for shape in ((1, 3, 16, 16), (3, SIDE, SIDE), (1, 1, SIDE, SIDE)):
        with pytest.raises(BadEncoder, match="preprocess them"):
            encoder.features(torch.zeros(shape))


def test_unknown_names_and_files_are_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnknownName, match=r"dino: neither a folder nor a name that is known; give a folder, or one of dinov3-vitl16,"):
        load_encoder("dino")
    with pytest.raises(UnknownName, match="a file, not a folder"):
        load_encoder(str(tmp_path / "file"))


def test_without_a_network_a_name_leads_to_one_line(monkeypatch, tmp_path):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        BadEncoder, match=r"clip-vitl14: openai/clip-vit-large-patch14 could not be fetched .*; download that folder elsewhere and give its path"
    ) as refused:
        load_encoder("clip-vitl14")
    assert "\n" not in str(refused.value)


def test_a_name_is_fetched_and_read_like_a_folder(monkeypatch, folders):
    import huggingface_hub

    asked = []

    def fetched(repository, *, allow_patterns):
        asked.append((repository, allow_patterns))
        return str(folders["clip"])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    encoder = load_encoder("streetclip")
    assert encoder.identity == load_encoder(str(folders["clip"])).identity
    assert (encoder.name, asked[0][0]) == ("streetclip", "geolocal/StreetCLIP")
    assert not any("bin" in pattern for pattern in asked[0][1])


def test_a_gpu_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadConfig, match="device cuda: there is no GPU"):
        load_encoder("clip-vitl14", device="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("family", TINY)
def test_a_gpu_gives_the_same_numbers_to_tolerance(folders, pixels, family):
    on_cpu, on_gpu = (load_encoder(str(folders[family]), device=device) for device in ("cpu", "cuda"))
    many = pixels.repeat(5, 1, 1, 1)
    whole = on_gpu.features(many)
    assert on_gpu.block == BLOCK["cuda"]
    torch.testing.assert_close(whole.cpu(), on_cpu.features(many), rtol=1e-4, atol=1e-5)
    assert torch.equal(torch.cat([on_gpu.features(many[start : start + 7]) for start in range(0, 55, 7)]), whole)


def test_transformers_says_nothing_and_is_left_as_it_was(folders, capfd):
    from transformers.utils import logging

    logging.set_verbosity_info()
    logging.enable_progress_bar()
    try:
        load_encoder(str(folders["clip"]))
        assert capfd.readouterr() == ("", "")
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity_error()
        logging.disable_progress_bar()


def test_the_page_lists_the_encoders():
    rows = re.findall(r"^\| `([\w-]+)` \| (\S+) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert dict(rows) == dict(ENCODERS)
    assert all(f"`{family}`" in PAGE.read_text(encoding="utf-8") for family in FAMILIES)


def test_pickles_become_safetensors_as_the_page_says(copied, folders, pixels, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    folder = copied()
    _pickle(folder)
    monkeypatch.chdir(folder)
    exec(compile(code, str(PAGE), "exec"), {})
    assert torch.equal(load_encoder(str(folder)).features(pixels), load_encoder(str(folders["vit"])).features(pixels))
