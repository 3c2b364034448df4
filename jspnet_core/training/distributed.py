"""Data-parallel training with torchrun. N processes have the losses and gradients of one process with all blocks."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class World:
    """The process group as this process sees it.

    rank: number of this process, 0 to size - 1. size: number of processes.
    restarted: whether torchrun has started the processes again after one of them died.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    restarted: bool = False

    @property
    def is_main_process(self) -> bool:
        """Return whether this process writes files, logs and shows progress."""
        return self.rank == 0

    def mean(self, value: Tensor) -> Tensor:
        """Average a tensor over the processes; no gradient."""
        return self.sum(value) / self.size

    def sum(self, value: Tensor) -> Tensor:
        """Add up a tensor over the processes; no gradient."""
        if self.size == 1:
            return value.detach()
        total = value.detach().clone()
        torch.distributed.all_reduce(total)
        return total


def init() -> World:
    """Initialise the process group if torchrun started this process: NCCL on GPUs, Gloo on CPUs.

    Processes other than the main one log warnings and errors only.
    """
    if "WORLD_SIZE" not in os.environ:
        return World()
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    store, rank, size = next(torch.distributed.rendezvous("env://"))
    # torchrun keeps its store: without a prefix per attempt, a new attempt may find addresses of dead processes
    store = torch.distributed.PrefixStore(f"attempt {restarts}", store)
    torch.distributed.init_process_group("nccl" if cuda else "gloo", store=store, rank=rank, world_size=size)
    world = World(rank, size, device, restarted=restarts > 0)
    if not world.is_main_process:
        logging.getLogger("jspnet_core").setLevel(logging.WARNING)
    return world


def destroy(world: World) -> None:
    """Destroy the process group, if there is one."""
    if world.size > 1:
        torch.distributed.destroy_process_group()


def wrap_ddp(network: nn.Module, world: World) -> nn.Module:
    """Wrap a network in DistributedDataParallel, which averages gradients over the processes; alone, return it."""
    if world.size == 1:
        return network
    devices = [world.device.index] if world.device.type == "cuda" else None
    return DistributedDataParallel(network, device_ids=devices)


def convert_sync_batch_norm(network: Network, world: World) -> Network:
    """Compute batch norms over the blocks of all processes. Weights and their names do not change."""
    if world.size == 1:
        return network
    if world.device.type == "cuda":
        return cast(Network, nn.SyncBatchNorm.convert_sync_batchnorm(network))
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d):
                setattr(module, name, CpuSyncBatchNorm.from_batch_norm(child))
    return network


class AllReduceSum(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        total = x.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return AllReduceSum.forward(context, gradient.contiguous())


class CpuSyncBatchNorm(nn.BatchNorm1d):
    """Synchronised batch norm on CPUs, which PyTorch has for GPUs only. All processes must hold equally many rows."""

    @classmethod
    def from_batch_norm(cls, norm: nn.BatchNorm1d) -> CpuSyncBatchNorm:
        """Share the weights and running statistics of a batch norm."""
        shared = cls(norm.num_features, norm.eps, norm.momentum)
        shared.__dict__.update(norm.__dict__)
        return shared

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (rows, C), the rows of this process. Statistics are float32 for any dtype, as in PyTorch."""
        if not self.training:
            return super().forward(x)
        return self._normalise(x.float()).to(x.dtype)

    def _normalise(self, x: Tensor) -> Tensor:
        size = torch.distributed.get_world_size()
        mean = AllReduceSum.apply(x.mean(0)) / size
        centred = x - mean
        variance = AllReduceSum.apply(centred.square().mean(0)) / size
        with torch.no_grad():
            rows = len(x) * size
            momentum = 0.1 if self.momentum is None else self.momentum
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance * (rows / (rows - 1)), momentum)
        return centred * torch.rsqrt(variance + self.eps) * self.weight + self.bias


def set_batch_norm_momentum(network: nn.Module, momentum: float) -> None:
    """Set the momentum of all batch norms, in PyTorch's sense: the weight of the new statistics."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = momentum
