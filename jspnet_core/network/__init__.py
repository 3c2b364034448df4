"""Networks of the paper in PyTorch: JSPNet and the systems it is compared with."""

from jspnet_core.network.asis import ASIS, NoFusion
from jspnet_core.network.joint import JointNetwork
from jspnet_core.network.jsnet import JSNet
from jspnet_core.network.jspnet import JSPNet
from jspnet_core.network_config import NetworkConfiguration

__all__ = ["ASIS", "JSNet", "JSPNet", "JointNetwork", "NoFusion", "build_network"]

NETWORKS: dict[str, type[JointNetwork]] = {
    "none": NoFusion,
    "asis": ASIS,
    "jiss": JSNet,
    "siff": JSPNet,
    "piff": JSPNet,
    "siff+piff": JSPNet,
}
"""Network class of each kind of fusion; the backbone is part of the configuration."""


def build_network(configuration: NetworkConfiguration) -> JointNetwork:
    """Build the network of a configuration, with random weights."""
    return NETWORKS[configuration.fusion_kind](configuration)
