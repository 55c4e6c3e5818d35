import pytest
import yaml

from helpers.places import REPOSITORY
from nearlabel.features.weights.choice import choose_weights
from nearlabel.features.weights.packages import packages_with
from nearlabel.plan import plan_run


@pytest.mark.parametrize("name", ["config", "magnetic_tile", "magnetic_tile_classes"])
def test_ready_configs_that_run_offline_need_no_other_weights(name):
    """Their networks, the one that learns too, are trained and in a package that `envs/demo.txt` installs."""
    plan = plan_run(yaml.safe_load((REPOSITORY / f"config/{name}.yaml").read_text(encoding="utf-8")))
    networks = [encoder for encoder in [*plan.encoders.values(), plan.network] if encoder and encoder.weights != "none"]
    assert {network.name for network in networks} == {"mobilenet_v2"}
    for network in networks:
        assert len(packages_with(choose_weights(network.name, network.weights).url.rpartition("/")[2])) == 1
