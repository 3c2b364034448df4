"""JSPNet in PyTorch."""

from jspnet_core.network.jspnet import JSPNet

__all__ = ["JSPNet"]
