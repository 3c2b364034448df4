"""Kernels of the voxel map: a hash table of voxel keys, votes, free space.

All functions that call each other stand in this file: numba's cache on disk looks at one file alone.

Keys are three 21-bit cell indices in one int64. The table is open addressing with linear probing; entries hold the slot
of a voxel, -1 for empty. Removing shifts the entries behind back, so that no tombstones pile up.
"""

from __future__ import annotations

import numpy as np
from numba import njit

OFFSET = np.int64(1 << 20)
"""Cells are counted from -OFFSET to OFFSET along each axis."""

EMPTY = np.int64(-1)
_MIX = np.int64(-7046029254386353131)  # 2**64 over the golden ratio


@njit(nogil=True, cache=True)
def _key(x: float, y: float, z: float, edge: float) -> np.int64:
    a, b, c = np.int64(np.floor(x / edge)), np.int64(np.floor(y / edge)), np.int64(np.floor(z / edge))
    if min(a, b, c) <= -OFFSET or max(a, b, c) >= OFFSET:
        return EMPTY
    return ((a + OFFSET) << 42) | ((b + OFFSET) << 21) | (c + OFFSET)


@njit(nogil=True, cache=True)
def _home(key: np.int64, mask: np.int64) -> np.int64:
    return ((key * _MIX) >> 20) & mask


@njit(nogil=True, cache=True)
def _find(table_key: np.ndarray, table_slot: np.ndarray, key: np.int64) -> np.int64:
    """Slot of a key, -1 for none."""
    mask = np.int64(len(table_key) - 1)
    at = _home(key, mask)
    while table_key[at] != EMPTY:
        if table_key[at] == key:
            return np.int64(table_slot[at])
        at = (at + 1) & mask
    return EMPTY


@njit(nogil=True, cache=True)
def _insert(table_key: np.ndarray, table_slot: np.ndarray, key: np.int64, slot: np.int64) -> None:
    mask = np.int64(len(table_key) - 1)
    at = _home(key, mask)
    while table_key[at] != EMPTY:
        at = (at + 1) & mask
    table_key[at], table_slot[at] = key, slot


@njit(nogil=True, cache=True)
def _remove(table_key: np.ndarray, table_slot: np.ndarray, key: np.int64) -> None:
    mask = np.int64(len(table_key) - 1)
    at = _home(key, mask)
    while table_key[at] != key:
        if table_key[at] == EMPTY:
            return
        at = (at + 1) & mask
    hole, after = at, (at + 1) & mask
    while table_key[after] != EMPTY:
        home = _home(table_key[after], mask)
        if ((after - home) & mask) >= ((after - hole) & mask):  # it may move back to the hole
            table_key[hole], table_slot[hole] = table_key[after], table_slot[after]
            hole = after
        after = (after + 1) & mask
    table_key[hole], table_slot[hole] = EMPTY, -1


@njit(nogil=True, cache=True)
def locate(
    points: np.ndarray,
    T_origin_points: np.ndarray,
    edge: float,
    table_key: np.ndarray,
    table_slot: np.ndarray,
    key_of_slot: np.ndarray,
    free: np.ndarray,
    free_count: int,
    insert: bool,
) -> tuple[np.ndarray, int]:
    """Slot of each point's voxel, (N,) int32, -1 where there is none or the point is not finite.

    points: (N, 3) float32; T_origin_points: (4, 4) float64, to the map's origin. With `insert` missing voxels take
    slots from the stack `free`. Neighbouring points mostly share a voxel: the last one is kept at hand. Returns the
    slots and how many entries of `free` are left.
    """
    slots = np.empty(len(points), np.int32)
    R, t = T_origin_points[:3, :3], T_origin_points[:3, 3]
    last_key, last_slot = EMPTY, EMPTY
    for i in range(len(points)):
        slots[i] = -1
        a, b, c = np.float64(points[i, 0]), np.float64(points[i, 1]), np.float64(points[i, 2])
        if not np.isfinite(a + b + c):
            continue
        x = R[0, 0] * a + R[0, 1] * b + R[0, 2] * c + t[0]
        y = R[1, 0] * a + R[1, 1] * b + R[1, 2] * c + t[1]
        z = R[2, 0] * a + R[2, 1] * b + R[2, 2] * c + t[2]
        key = _key(x, y, z, edge)
        if key == EMPTY:
            continue
        if key != last_key:
            last_key, last_slot = key, _find(table_key, table_slot, key)
            if last_slot == EMPTY and insert and free_count > 0:
                free_count -= 1
                last_slot = np.int64(free[free_count])
                key_of_slot[last_slot] = key
                _insert(table_key, table_slot, key, last_slot)
        slots[i] = last_slot
    return slots, free_count


@njit(nogil=True, cache=True)
def remove_slots(
    slots: np.ndarray,
    table_key: np.ndarray,
    table_slot: np.ndarray,
    key_of_slot: np.ndarray,
    free: np.ndarray,
    free_count: int,
) -> int:
    """Free voxels. Returns how many entries `free` has then."""
    for i in range(len(slots)):
        _remove(table_key, table_slot, key_of_slot[slots[i]])
        key_of_slot[slots[i]] = EMPTY
        free[free_count] = slots[i]
        free_count += 1
    return free_count


@njit(nogil=True, cache=True)
def centers(key_of_slot: np.ndarray, slots: np.ndarray, edge: float) -> np.ndarray:
    """Centres of voxels, (M, 3) float64, metres from the map's origin."""
    points = np.empty((len(slots), 3))
    low = np.int64((1 << 21) - 1)
    for i in range(len(slots)):
        key = key_of_slot[slots[i]]
        points[i, 0] = (np.float64((key >> 42) & low) - OFFSET + 0.5) * edge
        points[i, 1] = (np.float64((key >> 21) & low) - OFFSET + 0.5) * edge
        points[i, 2] = (np.float64(key & low) - OFFSET + 0.5) * edge
    return points


@njit(nogil=True, cache=True)
def list_seen(slots: np.ndarray, row_of: np.ndarray) -> np.ndarray:
    """Slots that occur, each once, in order; row_of: (V,) int32, all -1, gets the place of each in the list."""
    seen, count = np.empty(len(slots), np.int32), 0
    for i in range(len(slots)):
        slot = slots[i]
        if slot >= 0 and row_of[slot] < 0:
            row_of[slot] = count
            seen[count] = slot
            count += 1
    return seen[:count]


@njit(nogil=True, cache=True)
def add_votes(
    slots: np.ndarray,
    seen: np.ndarray,
    row_of: np.ndarray,
    points: np.ndarray,
    label: np.ndarray,
    confidence: np.ndarray,
    unit: float,
    half_range: float,
    votes: np.ndarray,
    most: int,
) -> np.ndarray:
    """Add a frame's votes: each voxel gets the mean weight of its points for each label.

    slots: (N,), of the points; seen, row_of: see `list_seen`. points: (N, 3) float32, sensor frame, metres; label,
    confidence: (N,); label 255 has no vote. A sure view weighs `unit`, half as much at `half_range` metres. votes:
    (V, C) uint16. most: sum of votes from which a voxel's votes are halved. Returns the points of each voxel, (M,).
    """
    total, count = np.zeros((len(seen), votes.shape[1]), np.float32), np.zeros(len(seen), np.int32)
    square = np.float32(1.0 / (half_range * half_range))
    for i in range(len(slots)):
        if slots[i] < 0:
            continue
        row = row_of[slots[i]]
        count[row] += 1
        if label[i] < votes.shape[1]:
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            total[row, label[i]] += confidence[i] * unit / (np.float32(1.0) + (x * x + y * y + z * z) * square)
    for row in range(len(seen)):
        _add_to_voxel(votes[seen[row]], total[row], count[row], most)
    return count


@njit(nogil=True, cache=True)
def blend_colors(
    slots: np.ndarray,
    seen: np.ndarray,
    row_of: np.ndarray,
    colors: np.ndarray,
    color_of: np.ndarray,
    stamp_of: np.ndarray,
) -> None:
    """Set the colours of new voxels, and blend those of known ones by a third. colors: (N, 3) uint8."""
    tint, count = np.zeros((len(seen), 3), np.float32), np.zeros(len(seen), np.float32)
    for i in range(len(slots)):
        if slots[i] >= 0:
            row = row_of[slots[i]]
            count[row] += 1
            for c in range(3):
                tint[row, c] += colors[i, c]
    for row in range(len(seen)):
        slot = seen[row]
        share = np.float32(1.0) if stamp_of[slot] < 0 else np.float32(0.3)
        for c in range(3):
            color_of[slot, c] = np.uint8((1 - share) * color_of[slot, c] + share * tint[row, c] / count[row])


@njit(nogil=True, cache=True)
def _add_to_voxel(votes: np.ndarray, total: np.ndarray, points: int, most: int) -> None:
    summed = np.int64(0)
    for c in range(len(votes)):
        votes[c] += np.uint16(total[c] / points + np.float32(0.5))
        summed += votes[c]
    if summed > most:
        for c in range(len(votes)):
            votes[c] >>= 1


@njit(nogil=True, cache=True)
def settled(slots: np.ndarray, votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label (N,) uint8 and its share of the votes (N,) float32 of each voxel; 255 and 0 without votes or voxel."""
    label, confidence = np.full(len(slots), np.uint8(255)), np.zeros(len(slots), np.float32)
    for i in range(len(slots)):
        if slots[i] < 0:
            continue
        best, summed = 0, np.int64(0)
        for c in range(votes.shape[1]):
            summed += votes[slots[i], c]
            if votes[slots[i], c] > votes[slots[i], best]:
                best = c
        if summed > 0:
            label[i], confidence[i] = best, votes[slots[i], best] / summed
    return label, confidence


@njit(nogil=True, cache=True)
def range_image(points: np.ndarray, cells: int, step: int) -> np.ndarray:
    """Nearest range in each direction, (6, 2 cells, 2 cells) float32, metres, inf for none; a cube around the sensor.

    points: (N, 3) float32, sensor frame, of which every `step`-th is read.
    """
    side = 2 * cells
    image = np.full((6, side, side), np.float32(np.inf))
    for i in range(0, len(points), step):
        face, a, b, distance = _pixel(points[i, 0], points[i, 1], points[i, 2], cells)
        if face >= 0 and distance < image[face, a, b]:
            image[face, a, b] = distance
    return image


@njit(nogil=True, cache=True)
def _pixel(x: float, y: float, z: float, cells: int) -> tuple[int, int, int, float]:
    if not np.isfinite(x + y + z):
        return -1, 0, 0, 0.0
    absolute = abs(x), abs(y), abs(z)
    axis = 0
    if absolute[1] > absolute[axis]:
        axis = 1
    if absolute[2] > absolute[axis]:
        axis = 2
    largest = absolute[axis]
    if largest < 1e-6:
        return -1, 0, 0, 0.0
    if axis == 0:
        u, v, positive = y / largest, z / largest, x > 0
    elif axis == 1:
        u, v, positive = z / largest, x / largest, y > 0
    else:
        u, v, positive = x / largest, y / largest, z > 0
    last = 2 * cells - 1
    a, b = min(int((u + 1.0) * cells), last), min(int((v + 1.0) * cells), last)
    return 2 * axis + positive, a, b, np.sqrt(x * x + y * y + z * z)


@njit(nogil=True, cache=True)
def sweep(
    first: int,
    count: int,
    key_of_slot: np.ndarray,
    stamp_of: np.ndarray,
    through: np.ndarray,
    edge: float,
    T_sensor_map: np.ndarray,
    image: np.ndarray,
    margin: float,
    views: int,
    radius: float,
    oldest: float,
    now: float,
) -> np.ndarray:
    """Voxels to free among slots `first` to `first + count`: seen through often enough, out of reach, or too old.

    through: (V,) uint8, views that have seen through each voxel; changed. oldest: stamps before it are too old.
    Returns their slots.
    """
    freed, found = np.empty(count, np.int32), 0
    cells = image.shape[1] // 2
    low = np.int64((1 << 21) - 1)
    R, t = T_sensor_map[:3, :3], T_sensor_map[:3, 3]
    for slot in range(first, min(first + count, len(key_of_slot))):
        key = key_of_slot[slot]
        if key == EMPTY:
            continue
        x = (np.float64((key >> 42) & low) - OFFSET + 0.5) * edge
        y = (np.float64((key >> 21) & low) - OFFSET + 0.5) * edge
        z = (np.float64(key & low) - OFFSET + 0.5) * edge
        a = R[0, 0] * x + R[0, 1] * y + R[0, 2] * z + t[0]
        b = R[1, 0] * x + R[1, 1] * y + R[1, 2] * z + t[1]
        c = R[2, 0] * x + R[2, 1] * y + R[2, 2] * z + t[2]
        distance = np.sqrt(a * a + b * b + c * c)
        if distance > radius or stamp_of[slot] < oldest:
            freed[found] = slot
            found += 1
        elif stamp_of[slot] == now:
            through[slot] = 0
        elif _is_seen_through(a, b, c, distance, image, cells, margin):
            through[slot] += 1
            if through[slot] >= views:
                freed[found] = slot
                found += 1
    return freed[:found]


@njit(nogil=True, cache=True)
def _is_seen_through(
    x: float, y: float, z: float, distance: float, image: np.ndarray, cells: int, margin: float
) -> bool:
    """Return whether the sensor measures beyond a point in its direction and in all directions around."""
    face, a, b, _ = _pixel(x, y, z, cells)
    if face < 0:
        return False
    measured = 0
    for i in range(max(a - 1, 0), min(a + 2, 2 * cells)):
        for j in range(max(b - 1, 0), min(b + 2, 2 * cells)):
            nearest = image[face, i, j]
            if nearest < distance + margin + 0.02 * distance:
                return False
            measured += nearest < np.inf
    return measured >= 4 and image[face, a, b] < np.inf


@njit(nogil=True, cache=True)
def fill_table(key_of_slot: np.ndarray, slots: np.ndarray, table_key: np.ndarray, table_slot: np.ndarray) -> None:
    """Enter voxels into an empty table."""
    for i in range(len(slots)):
        _insert(table_key, table_slot, key_of_slot[slots[i]], np.int64(slots[i]))


@njit(nogil=True, cache=True)
def hold_objects(slots: np.ndarray, ids: np.ndarray, object_of: np.ndarray, hold: np.ndarray) -> None:
    """Boyer-Moore vote for the object of each voxel: slots (M,), each once; ids (M,) int32, 0 for none."""
    for i in range(len(slots)):
        slot = slots[i]
        if ids[i] == 0:
            continue
        if object_of[slot] == ids[i]:
            hold[slot] = min(hold[slot] + 1, 20)
        elif hold[slot] <= 1:
            object_of[slot], hold[slot] = ids[i], 1
        else:
            hold[slot] -= 1


@njit(nogil=True, cache=True)
def instance_of_voxels(slots: np.ndarray, instance: np.ndarray, row_of: np.ndarray, count: int) -> np.ndarray:
    """Instance of each voxel that was seen, (M,) int32: that of its last point with one, 0 for none.

    slots, instance: (N,), of the points; row_of: see `list_seen`; count: M.
    """
    found = np.zeros(count, np.int32)
    for i in range(len(slots)):
        if slots[i] >= 0 and instance[i] > 0:
            found[row_of[slots[i]]] = instance[i]
    return found


@njit(nogil=True, cache=True)
def spread(
    slots: np.ndarray,
    row_of: np.ndarray,
    label_of: np.ndarray,
    confidence_of: np.ndarray,
    id_of: np.ndarray,
    label: np.ndarray,
    confidence: np.ndarray,
    instance: np.ndarray,
) -> None:
    """Write the results of the voxels (M,) to their points (N,), in place; points without a voxel keep theirs."""
    for i in range(len(slots)):
        if slots[i] >= 0:
            row = row_of[slots[i]]
            label[i], confidence[i], instance[i] = label_of[row], confidence_of[row], id_of[row]
