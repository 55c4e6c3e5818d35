"""Cutting a network in two by tracing it: what is never trained, and what is."""

from typing import Any

import torch
from torch import fx, nn

from nearlabel.learning.network.feature_maps import forward_pass


def split_network(model: nn.Module, fine_tune: str, sample: torch.Tensor) -> tuple[nn.Module, nn.Module]:
    """Cut a network in two at a single tensor, by tracing it.

    Parameters
    ----------
    model : torch.nn.Module
        A classifier that `torch.fx` can trace.
    fine_tune : {"last_block", "head"}
        Where: before the last stage of the trunk, or at the feature maps that the head pools; in a network without
        feature maps, as a vision transformer, at what its last linear layer is given.
    sample : Tensor, shape (1, 3, height, width)
        An image of the size to come.

    Returns
    -------
    before, after : torch.nn.Module
        ``after(before(images))`` are the logits of `model`, whose layers both share.

    Raises
    ------
    ValueError
        The network cannot be traced, or more than one tensor crosses the cut.
    """
    name = type(model).__name__
    model.eval()
    try:
        graph = fx.Tracer().trace(model)
        forward_pass(model, sample)  # refuses, by its name, a network that has nothing to cut at
        end = _end_of_trunk(fx.GraphModule(model, graph), sample)
        if fine_tune == "last_block":
            graph = _StageTracer(_last_stage(model, graph, end)).trace(model)
            (stage,) = [node for node in graph.nodes if node.op == "call_module" and node.target == graph.stage]
            cut = stage.args[0]
        else:
            cut = end
        before, after = _cut(model, graph, cut)
    except (fx.proxy.TraceError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{name} cannot be cut for fine_tune {fine_tune} ({reason}); use fine_tune: full") from error
    return before, after


class _StageTracer(fx.Tracer):
    """Takes one stage of the network for a whole, as it takes torch's own layers."""

    def __init__(self, stage: str):
        super().__init__()
        self._stage = stage

    def trace(self, root: nn.Module, concrete_args: dict | None = None) -> fx.Graph:
        graph = super().trace(root, concrete_args)
        graph.stage = self._stage
        return graph

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        return qualified_name == self._stage or super().is_leaf_module(module, qualified_name)


class _Run(nn.Module):
    """A traced network that remembers what each of its nodes gave."""

    def __init__(self, traced: fx.GraphModule):
        super().__init__()
        self.traced = traced
        self.values: dict[fx.Node, Any] = {}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.values

        class Remembering(fx.Interpreter):
            def run_node(self, node):
                values[node] = super().run_node(node)
                return values[node]

        return Remembering(self.traced).run(images)


def _end_of_trunk(traced: fx.GraphModule, sample: torch.Tensor) -> fx.Node:
    """Node whose output the head pools, or takes as it is."""
    run = _Run(traced)
    seen = forward_pass(run, sample)
    wanted = seen.pooled if seen.maps is None else seen.maps
    # What works in place gives the same tensor again: the last of them is whole.
    return [node for node, value in run.values.items() if value is wanted][-1]


def _last_stage(model: nn.Module, graph: fx.Graph, end: fx.Node) -> str:
    """Name of the trunk's last part with convolutions or linear layers that holds no more than half of them all."""
    names = []
    for node in graph.nodes:
        if node.op == "call_module" and isinstance(model.get_submodule(node.target), nn.Conv2d | nn.Linear):
            names.append(node.target.split("."))
        if node is end:
            break
    depth = 1
    while True:
        inside = [name for name in names if name[:depth] == names[-1][:depth]]
        stage = model.get_submodule(".".join(names[-1][:depth]))
        # A mere list of stages is not called itself.
        if len(inside) == 1 or (2 * len(inside) <= len(names) and type(stage) not in (nn.ModuleList, nn.ModuleDict)):
            return ".".join(names[-1][:depth])
        depth += 1


def _cut(model: nn.Module, graph: fx.Graph, cut: fx.Node) -> tuple[nn.Module, nn.Module]:
    name, before, after = type(model).__name__, fx.Graph(), fx.Graph()
    known: dict[fx.Node, fx.Node] = {}
    later = {cut: after.placeholder("features")}
    behind = False
    for node in graph.nodes:
        if behind:
            later[node] = after.node_copy(node, later.__getitem__)
        elif node.op == "get_attr":
            later[node] = after.node_copy(node)
        if not behind:
            known[node] = before.node_copy(node, known.__getitem__)
        behind = behind or node is cut
    before.output(known[cut])
    halves = []
    for part in (before, after):
        half = fx.GraphModule(model, part, class_name=name)
        half.graph.eliminate_dead_code()
        half.recompile()
        half.delete_all_unused_submodules()
        halves.append(half)
    return halves[0], halves[1]
