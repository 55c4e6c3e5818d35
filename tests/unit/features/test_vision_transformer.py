import pytest
import torch
from torchvision.models import VisionTransformer as TorchvisionTransformer

from nearlabel.features.encoders import build_encoder
from nearlabel.features.vision_transformer import Shape, load_vision_transformer

WIDTH, DEPTH, PATCH, SIDE = 128, 2, 8, 32


def torchvision_transformer():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = TorchvisionTransformer(SIDE, PATCH, DEPTH, WIDTH // 64, WIDTH, 192).eval()
        for values in network.parameters():
            torch.nn.init.normal_(values, std=0.1)
    network.heads = torch.nn.Identity()
    return network


def timm_names(network):
    """The state dict of torchvision's transformer under timm's names."""
    state = network.state_dict()
    renamed = {
        "cls_token": state["class_token"],
        "pos_embed": state["encoder.pos_embedding"],
        "norm.weight": state["encoder.ln.weight"],
        "norm.bias": state["encoder.ln.bias"],
        "head.weight": torch.zeros(10, WIDTH),
        "head.bias": torch.zeros(10),
    }
    for kind in ("weight", "bias"):
        renamed[f"patch_embed.proj.{kind}"] = state[f"conv_proj.{kind}"]
        for number in range(DEPTH):
            old, new = f"encoder.layers.encoder_layer_{number}", f"blocks.{number}"
            renamed[f"{new}.norm1.{kind}"] = state[f"{old}.ln_1.{kind}"]
            renamed[f"{new}.norm2.{kind}"] = state[f"{old}.ln_2.{kind}"]
            renamed[f"{new}.attn.qkv.{kind}"] = state[f"{old}.self_attention.in_proj_{kind}"]
            renamed[f"{new}.attn.proj.{kind}"] = state[f"{old}.self_attention.out_proj.{kind}"]
            renamed[f"{new}.mlp.fc1.{kind}"] = state[f"{old}.mlp.0.{kind}"]
            renamed[f"{new}.mlp.fc2.{kind}"] = state[f"{old}.mlp.3.{kind}"]
    return renamed


@pytest.fixture(scope="module")
def reference():
    return torchvision_transformer()


@pytest.fixture
def state(reference):
    return {key: value.clone() for key, value in timm_names(reference).items()}


@pytest.fixture
def load(tmp_path):
    def save_and_load(state, name="vit.pth"):
        torch.save(state, tmp_path / name)
        return load_vision_transformer(tmp_path / name)

    return save_and_load


@pytest.fixture(scope="module")
def images():
    return torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def encoded(network, images):
    with torch.inference_mode():
        return network(images)


def test_class_token_equals_torchvisions(reference, state, load, images):
    network = load(state)
    assert network.shape == Shape(WIDTH, DEPTH, PATCH, 192, registers=0, placed=1, grid=4, layer_scale=False)
    torch.testing.assert_close(encoded(network, images), encoded(reference, images), rtol=1e-5, atol=1e-5)


def test_layer_scale_scales_what_a_branch_adds(state, load, images):
    """The same numbers, in the last layer of each branch or as its scale."""
    scaled = dict(state)
    for number in range(DEPTH):
        for scale, last in (("ls1", "attn.proj"), ("ls2", "mlp.fc2")):
            gamma = torch.linspace(0.5, 2, WIDTH)
            scaled[f"blocks.{number}.{scale}.gamma"] = gamma
            for kind in ("weight", "bias"):
                values = state[f"blocks.{number}.{last}.{kind}"]
                state[f"blocks.{number}.{last}.{kind}"] = gamma.reshape(-1, *[1] * (values.ndim - 1)) * values
    network = load(scaled)
    assert network.shape.layer_scale
    torch.testing.assert_close(encoded(network, images), encoded(load(state), images), rtol=1e-5, atol=1e-5)


def test_registers_under_both_names(state, load, images):
    """DINOv2: the class token has a position, its registers have none; timm: both are added beforehand."""
    registers = torch.randn(1, 4, WIDTH, generator=torch.Generator().manual_seed(1))
    theirs = state | {"register_tokens": registers, "mask_token": torch.zeros(1, WIDTH)}
    first, patches = state["pos_embed"].split([1, 16], dim=1)
    ours = state | {"reg_token": registers, "cls_token": state["cls_token"] + first, "pos_embed": patches}
    placed = state | {
        "reg_token": registers,
        "pos_embed": torch.cat([first, torch.zeros(1, 4, WIDTH), patches], dim=1),
    }
    networks = [load(each) for each in (theirs, ours, placed)]
    assert [(network.shape.registers, network.shape.placed) for network in networks] == [(4, 1), (4, 0), (4, 5)]
    expected, *others = (encoded(network, images) for network in networks)
    for other in others:
        torch.testing.assert_close(other, expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(expected, encoded(load(state), images), atol=1e-3)


def test_positions_of_another_size_are_interpolated(state, load, images):
    """Positions that rise evenly along the columns still do, in the middle, on a grid of twice as many."""
    network = load(state)
    columns = torch.arange(4.0).repeat(4).reshape(1, 16, 1).expand(1, 16, WIDTH)
    finer = network._resample(columns, 8, 8).reshape(8, 8, WIDTH)
    torch.testing.assert_close(finer[4, 3:5, 0], torch.tensor([1.25, 1.75]), rtol=0, atol=0.02)
    assert network._resample(columns, 4, 4) is columns
    assert encoded(network, torch.zeros(2, 3, 40, 64)).shape == (2, WIDTH)
    with pytest.raises(ValueError, match="multiples of the patch's 8 pixels"):
        network(torch.zeros(1, 3, 33, 32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("cls_token"), r"vit\.pth is no vision transformer .* no cls_token"),
        (lambda s: s.pop("blocks.1.norm1.bias"), r"vit\.pth is another vision transformer .*blocks\.1\.norm1\.bias"),
        (lambda s: s.update({"fc_norm.weight": torch.ones(WIDTH)}), r"another vision transformer .*fc_norm"),
        (lambda s: s.update(pos_embed=torch.zeros(1, 20, WIDTH)), "20 positions are no square of patches"),
        (lambda s: s.update({"patch_embed.proj.weight": torch.zeros(100, 3, 8, 8)}), "100 channels"),
    ],
)
def test_other_files_are_refused_in_words(state, load, change, message):
    change(state)
    with pytest.raises(ValueError, match=message):
        load(state)


def test_encoder_from_a_file(state, tmp_path):
    torch.save(state, tmp_path / "vit.pth")
    weights = str(tmp_path / "vit.pth")
    encoder = build_encoder("timm_vit", weights, device="cpu")
    assert (encoder.name, encoder.weights, encoder.weights_source) == ("timm_vit", "vit.pth", "the named file")
    assert (encoder.image_size, encoder.dimension) == (SIDE, WIDTH)
    assert encoder.settings["placement"]["interpolation"] == "bicubic"
    assert encoder.settings["mean"] == [0.485, 0.456, 0.406]
    with pytest.raises(ValueError, match=r"image_size 30 of timm_vit is no multiple .* take 24 or 32"):
        build_encoder("timm_vit", weights, image_size=30)
    with pytest.raises(ValueError, match=r"vit\.pth is not DINOv2-small.* 128 channels, 2 blocks .*take `timm_vit`"):
        build_encoder("dinov2_small", weights)
    with pytest.raises(ValueError, match="dinov2_small needs a state dict file"):
        build_encoder("dinov2_small", "imagenet")
