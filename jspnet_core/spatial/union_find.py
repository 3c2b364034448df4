"""Union-find over an array of parents, in which the root of a component is its lowest node."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def unite(parent: np.ndarray, a: int, b: int) -> None:
    """Join the components of two nodes. parent: (n,) int, `np.arange(n)` to begin with."""
    x, y = root_of(parent, a), root_of(parent, b)
    parent[max(x, y)] = min(x, y)


@njit(nogil=True, cache=True)
def root_of(parent: np.ndarray, node: int) -> int:
    """The lowest node of a node's component."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]  # paths are halved on the way
        node = parent[node]
    return node


@njit(nogil=True, cache=True)
def numbered(parent: np.ndarray) -> np.ndarray:
    """Number of each node's component, (n,) int32, in the order of their lowest nodes."""
    number, found = np.empty(len(parent), np.int32), 0
    for i in range(len(parent)):
        root = root_of(parent, i)  # comes before its nodes
        if root == i:
            number[i] = found
            found += 1
        else:
            number[i] = number[root]
    return number
