"""Fragments of objects joined: what is too small to be an object of its own belongs to one that it touches.

The network sees blocks of two metres, and from near a table fills several of them in thin strips; a cluster of mean
shift may be a few voxels on an edge. Alone, all of these fall to the size filter, and their points would carry a class
and no object. Fragments that touch and agree on the class are one object; two instances that are both large enough were
separated by the network and stay two.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.pipeline.merging.block_merging import modes
from jspnet_core.spatial.grid import Grid, cell_of, column, make_grid, squared
from jspnet_core.spatial.union_find import numbered, root_of

REACH = 0.1
"""Metres within which two fragments touch, as clusters of neighbouring blocks do (`contact.CONTACT_REACH`)."""

# Public interface


def join_fragments(
    xyz: np.ndarray,
    instance: np.ndarray,
    label: np.ndarray,
    smallest: np.ndarray,
    most_foreign: int = 0,
    reach: float = REACH,
) -> np.ndarray:
    """Join instances that are too small to the instances that they touch.

    A small instance joins one of its class, the one that most of its voxels touch first; small ones join each other,
    and a chain of them never makes one of two large instances. Where all of a chain is too small still, and of no more
    than `most_foreign` voxels, it joins the large instance of another class that most of its voxels touch; labels are
    left as they are.

    xyz: (V, 3) float32, metres. instance: (V,) int32, 0 and up, -1 for none. label: (V,) uint8, class of each voxel,
    0 to C - 1 within instances. smallest: (C,) float64, voxels: an instance of no more than this is small; NaN: none
    of the class is. reach: metres.
    Returns (V,) int32, 0 and up without gaps in the order of the lowest instance joined, -1 for none.
    """
    used = np.flatnonzero(instance >= 0)
    joined = np.full(len(instance), -1, np.int32)
    if len(used) == 0:
        return joined
    fragment = np.unique(instance[used], return_inverse=True)[1].astype(np.int32)  # (M,), 0 to F - 1
    size = np.bincount(fragment)
    category = modes(fragment, label[used], len(size))
    smallest = np.asarray(smallest, np.float64)
    small = size <= smallest[category]  # NaN compares false
    first, other, touching = _contacts(xyz[used], fragment, small, reach)
    strongest = np.lexsort((other, first, -touching))
    joined[used] = _joined(first[strongest], other[strongest], category, size, small, smallest, most_foreign)[fragment]
    return joined


# Private


def _contacts(
    xyz: np.ndarray, fragment: np.ndarray, small: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Small fragments, the fragments that they touch, and how many of their voxels do: three (E,) int64."""
    grid = make_grid(np.ascontiguousarray(xyz, np.float32), reach)
    keys = _touches(grid, fragment[grid.order], small, np.float32(reach * reach))
    pair, touching = np.unique(keys, return_counts=True)
    return *np.divmod(pair, len(small)), touching


@njit(nogil=True, cache=True)
def _touches(grid: Grid, fragment: np.ndarray, small: np.ndarray, square: float) -> np.ndarray:
    """One key, own fragment times F plus the other, for each point of a small fragment and fragment within reach.

    fragment: (M,), in the order of the grid's points. square: m^2.
    """
    count, found, keys = len(small), 0, np.empty(1024, np.int64)
    seen = np.full(count, -1)  # the last point that touched it
    for p in range(len(fragment)):
        own = fragment[p]
        if not small[own]:
            continue
        x, y, z = cell_of(grid.xyz[p], grid.low, grid.edge, grid.dims)
        for a in range(max(x - 1, 0), min(x + 2, grid.dims[0])):
            for b in range(max(y - 1, 0), min(y + 2, grid.dims[1])):
                begin, end = column(grid, a, b, z)
                for q in range(begin, end):
                    other = fragment[q]
                    if other == own or seen[other] == p or squared(grid.xyz[p], grid.xyz[q]) > square:
                        continue
                    seen[other] = p
                    if found == len(keys):
                        keys = np.concatenate((keys, np.empty_like(keys)))
                    keys[found] = np.int64(own) * count + other
                    found += 1
    return keys[:found]


@njit(nogil=True, cache=True)
def _joined(first, other, category, size, small, smallest, most_foreign):  # type: ignore[no-untyped-def]
    """Instance of each fragment, (F,) int32, after joining the pairs, the strongest contacts first.

    first, other: (E,); category, size, small: (F,); smallest: (C,); most_foreign: voxels. Pairs of one class come
    before the others.
    """
    parent, size, large, category = np.arange(len(size)), size.copy(), ~small, category.copy()
    for same_class in (True, False):
        for i in range(len(first)):
            a, b = root_of(parent, first[i]), root_of(parent, other[i])
            if a == b or (category[a] == category[b]) != same_class or (large[a] and large[b]):
                continue
            if not same_class and (not (large[a] or large[b]) or size[b if large[a] else a] > most_foreign):
                continue
            low, high = min(a, b), max(a, b)
            category[low] = category[a] if large[a] else category[b]
            parent[high], size[low], large[low] = low, size[a] + size[b], large[a] or large[b]
        for f in range(len(parent)):  # joined fragments may be large enough together
            if parent[f] == f:
                large[f] = large[f] or not size[f] <= smallest[category[f]]
    return numbered(parent)
