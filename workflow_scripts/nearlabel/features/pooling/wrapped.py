"""An encoder around a network's encoder, which it is but for how its maps are pooled."""

import numpy as np

from nearlabel.features.network_encoder import NetworkEncoder
from nearlabel.features.pooling.stages import Stage, list_stages


class WrappedEncoder:
    """What a pooling other than the network's own is; see `nearlabel.features.batches.Encoder`.

    Parameters
    ----------
    encoder : NetworkEncoder
    pooling : str
        Its name.

    Attributes
    ----------
    blocks : list of Stage
        The network's blocks whose outputs are maps.
    """

    def __init__(self, encoder: NetworkEncoder, pooling: str):
        self.encoder, self.pooling = encoder, pooling
        self.name, self.weights, self.weights_sha256 = encoder.name, encoder.weights, encoder.weights_sha256
        self.weights_source = encoder.weights_source
        self.geometry, self.image_size, self.tile_pool = encoder.geometry, encoder.image_size, encoder.tile_pool
        self.prepare, self.device = encoder.prepare, encoder.device
        size = encoder.image_size or 224
        height, width = (size, size) if isinstance(size, int) else size
        trial = np.zeros((1, height, width, 3), np.uint8)
        self.blocks: list[Stage] = list_stages(encoder.network, lambda: encoder.encode(trial), (height, width))
        self.settings = encoder.settings | {"pooling": pooling}
