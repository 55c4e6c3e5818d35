import pytest
import torch
import torchvision
from torch import nn

from nearlabel.features.pooling.stages import hooked, last_of_strides, list_stages

INCEPTION = {"aux_logits": False, "init_weights": False}
KNOWN = {
    "mobilenet_v2": ("features.6", "features.13", "features.18.2"),
    "resnet18": ("layer2.1", "layer3.1", "layer4.1"),
    "vgg16": ("features.22", "features.29", "avgpool"),
    "efficientnet_b0": ("features.3.1", "features.5.2", "features.8.2"),
    "densenet121": ("features.transition2.conv", "features.transition3.conv", "features.norm5"),
    "convnext_tiny": ("features.4.0", "features.6.0", "features.7.2"),
    "regnet_y_400mf": ("trunk_output.block2.block2-2", "trunk_output.block3.block3-5", "trunk_output.block4.block4-5"),
    "squeezenet1_1": ("features.7", "classifier.2", "classifier.2"),
    "inception_v3": ("Mixed_5d", "Mixed_6e", "Mixed_7c"),
}


def stages_of(network, size):
    image = torch.zeros(1, 3, *size)
    with torch.inference_mode():
        return list_stages(network.eval(), lambda: network(image), size)


@pytest.mark.parametrize("name", KNOWN)
def test_the_last_blocks_of_each_stride(name):
    size = (299, 299) if name == "inception_v3" else (224, 224)
    # Shapes alone: without values, nothing is computed; but a RegNet's own shape is computed.
    with torch.device("cpu" if name.startswith("regnet") else "meta"), torch.inference_mode():
        network = torchvision.models.get_model(name, weights=None, **(INCEPTION if name == "inception_v3" else {}))
        stages = list_stages(network.eval(), lambda: network(torch.zeros(1, 3, *size)), size)
    middle = last_of_strides(stages, (8, 16), name)
    assert (*(stage.name for stage in middle), stages[-1].name) == KNOWN[name]
    assert [stage.stride for stage in middle] == [8, 16]


class Listed(nn.Module):
    """Blocks in a list, called in a loop, and a branch that no walk should enter."""

    class Block(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.inner = nn.Conv2d(before, after, 3, 2, 1)
            self.after = nn.Conv2d(after, after, 1)

        def forward(self, x):
            return self.after(self.inner(x)).relu()

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([self.Block(3 if i == 0 else 4, 4) for i in range(4)])
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


def test_a_network_with_a_list_of_blocks():
    stages = stages_of(Listed(), (64, 96))
    assert [(stage.name, stage.stride) for stage in stages] == [(f"blocks.{i}", 2 ** (i + 1)) for i in range(4)]
    assert (stages[2].channels, stages[2].height, stages[2].width) == (4, 8, 12)


def test_what_a_network_lacks_is_named():
    stages = [stage for stage in stages_of(Listed(), (64, 64)) if stage.stride != 16]
    with pytest.raises(ValueError, match=r"pooling of mine by novelty .* no map at 1/16 \(maps: 1/2, 1/4, 1/8\)"):
        last_of_strides(stages, (8, 16), "mine")


@pytest.mark.parametrize(("name", "size"), [("vit_b_32", 224), ("swin_t", 64)])
def test_transformers_have_no_such_maps(name, size):
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None)
        stages = list_stages(network.eval(), lambda: network(torch.zeros(1, 3, size, size)), (size, size))
    with pytest.raises(ValueError, match="set pooling to average"):
        last_of_strides(stages, (8, 16), name)


def test_hooks_take_each_pass_and_leave():
    network = Listed().eval()
    stages = stages_of(network, (64, 64))[2:]
    with torch.inference_mode(), hooked(network, stages, lambda maps: maps.mean((2, 3))) as taken:
        network(torch.ones(1, 3, 64, 64))
        first = dict(taken)
        network(torch.zeros(2, 3, 64, 64))
    assert set(first) == {"blocks.2", "blocks.3"} and len(taken["blocks.3"]) == 2
    assert not any(module._forward_hooks for module in network.modules())
