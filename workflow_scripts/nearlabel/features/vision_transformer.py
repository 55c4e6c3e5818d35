"""Vision transformers from a state dict that the user has, with the names that timm and DINOv2 use.

Dosovitskiy et al., ICLR 2021; DINOv2: Oquab et al., TMLR 2024; register tokens: Darcet et al., ICLR 2024.
"""

import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from nearlabel.features.network_encoder import IMAGENET_MEAN, IMAGENET_STD, NetworkEncoder
from nearlabel.features.placement import choose_placement
from nearlabel.features.weights.choice import choose_weights
from nearlabel.features.weights.files import find_weights_file
from nearlabel.features.weights.state import load_state

HEAD_WIDTH = 64
"""Channels of an attention head; the same in all published sizes, and not to be read from a state dict."""

DINOV2_SMALL = (384, 12, 14)
"""Width, blocks and patch of ViT-S/14."""

# DINOv2's own name → timm's.
_RENAMED = {"register_tokens": "reg_token"}
# Not part of the way to the class token: the classifier, and what masked training put in place of patches.
_UNUSED = ("head.weight", "head.bias", "mask_token")


class Shape(NamedTuple):
    """The architecture that a state dict says.

    Attributes
    ----------
    width, depth, patch : int
        Channels of a token, number of blocks, side of a patch in pixels.
    hidden : int
        Channels within a block's perceptron.
    registers : int
        Register tokens.
    placed : int
        Tokens before the patches that have a position: none, the class token, or the registers too.
    grid : int
        Positions of patches along a side; others are interpolated.
    layer_scale : bool
        Whether the output of attention and perceptron is scaled by channel.
    """

    width: int
    depth: int
    patch: int
    hidden: int
    registers: int
    placed: int
    grid: int
    layer_scale: bool


class VisionTransformer(nn.Module):
    """A vision transformer; maps images (n, 3, h, w) to the class token after the last normalisation, (n, width).

    Its parameters have timm's names. GELU is exact, layer normalisations have an epsilon of 1e-6, an attention head
    has 64 channels.

    Parameters
    ----------
    shape : Shape
        From `read_shape`.
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        width = shape.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        if shape.registers:
            self.reg_token = nn.Parameter(torch.zeros(1, shape.registers, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, shape.placed + shape.grid**2, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, shape.patch, shape.patch)})
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the class token of each image; sides must be multiples of the patch."""
        patch = self.shape.patch
        if any(side % patch for side in images.shape[2:]):
            raise ValueError(f"height and width must be multiples of the patch's {patch} pixels")
        patches = self.patch_embed["proj"](images)
        rows, columns = patches.shape[2:]
        first = self.cls_token if not self.shape.registers else torch.cat([self.cls_token, self.reg_token], dim=1)
        before, positions = self.pos_embed.split([self.shape.placed, self.shape.grid**2], dim=1)
        # What has no position gets zeros.
        first = first + functional.pad(before, (0, 0, 0, first.shape[1] - self.shape.placed))
        patches = patches.flatten(2).transpose(1, 2) + self._resample(positions, rows, columns)
        tokens = torch.cat([first.expand(len(images), -1, -1), patches], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens[:, 0])

    def _resample(self, positions: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        """Bring the positions (1, grid², width) to another grid: bicubic with antialiasing, as timm does it."""
        side = self.shape.grid
        if (rows, columns) == (side, side):
            return positions
        maps = positions.reshape(1, side, side, -1).permute(0, 3, 1, 2)
        maps = functional.interpolate(maps, (rows, columns), mode="bicubic", antialias=True)
        return maps.flatten(2).transpose(1, 2)


class _Block(nn.Module):
    """Attention and a perceptron, each after a normalisation and added to what came in."""

    def __init__(self, shape: Shape):
        super().__init__()
        width = shape.width
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, shape.hidden), "fc2": nn.Linear(shape.hidden, width)})
        if shape.layer_scale:
            self.ls1, self.ls2 = (nn.ParameterDict({"gamma": torch.ones(width)}) for _ in range(2))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        attended = self._attend(self.norm1(tokens))
        tokens = tokens + (attended * self.ls1["gamma"] if hasattr(self, "ls1") else attended)
        changed = self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(tokens))))
        return tokens + (changed * self.ls2["gamma"] if hasattr(self, "ls2") else changed)

    def _attend(self, tokens: torch.Tensor) -> torch.Tensor:
        count, length, width = tokens.shape
        heads = self.attn["qkv"](tokens).reshape(count, length, 3, width // HEAD_WIDTH, HEAD_WIDTH)
        attended = functional.scaled_dot_product_attention(*heads.permute(2, 0, 3, 1, 4))
        return self.attn["proj"](attended.transpose(1, 2).reshape(count, length, width))


def read_shape(state: dict[str, torch.Tensor], path: Path) -> Shape:
    """Read a vision transformer's architecture from its state dict.

    Parameters
    ----------
    state : dict of str to Tensor
        With timm's names.
    path : Path
        The file, for messages.

    Returns
    -------
    Shape

    Raises
    ------
    ValueError
        It is no state dict of such a transformer: without class token, of another kind, or with parts unknown here.
    """
    needed = ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.mlp.fc1.weight", "norm.weight")
    missing = [key for key in needed if key not in state]
    if missing:
        raise ValueError(
            f"weights file {path} is no vision transformer with a class token under the names of timm or DINOv2: it "
            f"has no {', '.join(missing)}; save timm's model.state_dict(), or take a `custom` encoder"
        )
    width, channels, patch, other = state["patch_embed.proj.weight"].shape
    if width % HEAD_WIDTH or channels != 3 or patch != other:
        raise ValueError(
            f"weights file {path}: {width} channels, which must be a multiple of {HEAD_WIDTH} (one attention head), "
            f"and patches of {channels} x {patch} x {other}, which must be 3 x n x n; take a `custom` encoder"
        )
    registers = state["reg_token"].shape[1] if "reg_token" in state else 0
    count = state["pos_embed"].shape[1]
    placed = [before for before in (0, 1, 1 + registers) if math.isqrt(count - before) ** 2 == count - before]
    if not placed:
        raise ValueError(f"weights file {path}: {count} positions are no square of patches; take a `custom` encoder")
    return Shape(
        width=width,
        depth=1 + max(int(key.split(".")[1]) for key in state if key.startswith("blocks.")),
        patch=patch,
        hidden=len(state["blocks.0.mlp.fc1.weight"]),
        registers=registers,
        placed=placed[0],
        grid=math.isqrt(count - placed[0]),
        layer_scale="blocks.0.ls1.gamma" in state,
    )


def load_vision_transformer(path: Path) -> VisionTransformer:
    """Build a vision transformer from a state dict file.

    Parameters
    ----------
    path : Path
        State dict with the names of timm or of DINOv2. A classifier in it is left out.

    Returns
    -------
    VisionTransformer
        In evaluation mode.

    Raises
    ------
    ValueError
        As `load_state` and `read_shape`; or it has parts that this transformer has not, or lacks some.
    """
    state = {_RENAMED.get(key, key): value for key, value in load_state(path).items() if key not in _UNUSED}
    shape = read_shape(state, path)
    with torch.device("meta"):
        network = VisionTransformer(shape)
    try:
        network.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    except RuntimeError as error:
        reasons = " ".join(str(error).split())
        raise ValueError(
            f"weights file {path} is another vision transformer than those known here; take a `custom` encoder: "
            f"{reasons[:500]}"
        ) from error
    return network.eval()


def build_transformer_encoder(
    name, weights, *, geometry, image_size, tile_overlap, tile_pool, device, threads, precision, **_
) -> NetworkEncoder:
    """Build the encoder that a vision transformer from a file is; see `nearlabel.features.encoders.build_encoder`.

    Images are normalised by ImageNet's mean and deviation and resized bicubically. Without `image_size`
    ``dinov2_small`` takes 224 pixels, ``timm_vit`` the size of its position embedding.
    """
    path, sha256, source = find_weights_file(choose_weights(name, weights))
    network = load_vision_transformer(path)
    shape = network.shape
    if name == "dinov2_small" and (shape.width, shape.depth, shape.patch) != DINOV2_SMALL:
        raise ValueError(
            f"weights file {path} is not DINOv2-small, a ViT-S/14 of 384 channels and 12 blocks: it has {shape.width} "
            f"channels, {shape.depth} blocks and patches of {shape.patch} pixels; take `timm_vit`"
        )
    own_size = 224 if name == "dinov2_small" else shape.grid * shape.patch
    placement = choose_placement(geometry, image_size, own_size, round(own_size * 8 / 7), "bicubic", tile_overlap)
    if placement.size is not None and placement.size % shape.patch:
        low = placement.size // shape.patch * shape.patch
        raise ValueError(
            f"image_size {placement.size} of {name} is no multiple of its patches' {shape.patch} pixels; take "
            f"{max(low, shape.patch)} or {low + shape.patch}"
        )
    return NetworkEncoder(
        name,
        path.name,
        sha256,
        network,
        placement,
        IMAGENET_MEAN,
        IMAGENET_STD,
        tile_pool,
        device,
        threads,
        shape.width,
        weights_source=source,
        precision=precision,
    )
