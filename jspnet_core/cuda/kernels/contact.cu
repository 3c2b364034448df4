// Joining clusters where they touch (jspnet_core/pipeline/merging/contact.py). A segment is one cluster of one block, numbered block
// after block: first[b] is block b's first, first[blocks] their number. A row is one point of one block, `at` = b * N + i.
// Counts are integers, and the lowest segment of a joined set names it, so that the order of the threads changes nothing.
#include "cuda_or_host.h"

__device__ inline int found(const u64* keys, int mask, u64 key) {  // -1: not there
    int at = first_slot(key, mask);
    while (keys[at] != EMPTY && keys[at] != key) at = (at + 1) & mask;
    return keys[at] == key ? at : -1;
}

// From 1 on, so that the cell before the first has a key, too; 21 bits an axis.
__device__ inline int cell_along(float value, float low, float reach) { return (int)floorf((value - low) / reach) + 1; }
__device__ inline u64 cell_key(int x, int y, int z) { return (u64)x << 42 | (u64)y << 21 | (u64)z; }

// Rows into cells as wide as the reach. low: lowest coordinates. Tables of `mask` + 1: keys EMPTY, members zeros,
// lowest INT_MAX and highest -1 before: number of the cell's rows, and of its blocks. slot: (B, N), -1 for padding.
// first_row: (V,) the first row that draws a voxel, INT_MAX before. votes: (segments, C) zeros before.
extern "C" __global__ void contact_cells(const float* xyz, const int* index, const int* counts, const int* clusters,
                                         const unsigned char* labels, const int* first, int n, int classes,
                                         const float* low, float reach, u64* keys, int mask, int* members, int* lowest,
                                         int* highest, int* slot, int* first_row, int* votes) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y, at = b * n + i;
    if (i >= n) return;
    slot[at] = -1;
    if (i >= counts[b]) return;
    int v = index[at];
    const float* p = xyz + 3 * (size_t)v;
    u64 key = cell_key(cell_along(p[0], low[0], reach), cell_along(p[1], low[1], reach), cell_along(p[2], low[2], reach));
    int cell = insert(keys, mask, key);
    slot[at] = cell;
    atomicAdd(members + cell, 1);
    atomicMin(lowest + cell, b);
    atomicMax(highest + cell, b);
    atomicMin(first_row + v, at);
    atomicAdd(votes + (size_t)(first[b] + clusters[at]) * classes + labels[at], 1);
}
EXPORT(contact_cells)

// Where each cell's rows begin in the list of rows: in any order. cursor: (1,) zero before.
extern "C" __global__ void contact_starts(const int* members, int slots, int* starts, int* cursor) {
    int cell = blockIdx.x * blockDim.x + threadIdx.x;
    if (cell < slots && members[cell]) starts[cell] = atomicAdd(cursor, members[cell]);
}
EXPORT(contact_starts)

// rows: (B * N,) cell after cell; filled: (slots,) zeros before.
extern "C" __global__ void contact_rows(const int* slot, int rows_in_all, const int* starts, int* filled, int* rows) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < rows_in_all && slot[at] >= 0) rows[starts[slot[at]] + atomicAdd(filled + slot[at], 1)] = at;
}
EXPORT(contact_rows)

// What each row touches: the segments of other blocks with a point within reach, in ascending order, which finds each
// once however many of its points are near; those of one block follow each other, so blocks are found once, too.
// With keys null only `total`, (1,) zero before, is counted; then tables of pairs (own segment, other segment) and
// borders (own segment, other block) of `mask` + 1: keys EMPTY, counts zeros before.
extern "C" __global__ void contact_touches(const float* xyz, const int* index, const int* clusters, const int* first,
                                           int n, const float* low, float reach, float square, const u64* cells,
                                           int cell_mask, const int* members, const int* lowest, const int* highest,
                                           const int* starts, const int* rows, const int* slot, int* total, u64* pairs,
                                           int* pair_points, u64* borders, int* border_points, int mask) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y, at = b * n + i;
    if (i >= n || slot[at] < 0) return;
    const float* here = xyz + 3 * (size_t)index[at];
    int x = cell_along(here[0], low[0], reach), y = cell_along(here[1], low[1], reach);
    int z = cell_along(here[2], low[2], reach), near[27], nears = 0;
    for (int k = 0; k < 27; ++k) {
        int cell = found(cells, cell_mask, cell_key(x + k / 9 - 1, y + k / 3 % 3 - 1, z + k % 3 - 1));
        if (cell >= 0 && !(lowest[cell] == b && highest[cell] == b)) near[nears++] = cell;
    }
    int own = first[b] + clusters[at], touched = 0;
    for (int last = -1, last_block = -1;; ++touched) {
        int next = LARGEST_INT, next_block = -1;
        for (int k = 0; k < nears; ++k)
            for (int j = starts[near[k]], end = j + members[near[k]]; j < end; ++j) {
                int row = rows[j], block = row / n, segment = first[block] + clusters[row];
                if (block == b || segment <= last || segment >= next) continue;
                if (squared_distance(here, xyz + 3 * (size_t)index[row]) <= square) next = segment, next_block = block;
            }
        if (next == LARGEST_INT) break;
        if (pairs) {
            atomicAdd(pair_points + insert(pairs, mask, (u64)own << 32 | (unsigned)next), 1);
            if (next_block != last_block)
                atomicAdd(border_points + insert(borders, mask, (u64)own << 32 | (unsigned)next_block), 1);
        }
        last = next, last_block = next_block;
    }
    if (!pairs && touched) atomicAdd(total, touched);
}
EXPORT(contact_touches)

// label: (segments,) the most frequent class, the lowest of several; parent: each segment alone.
extern "C" __global__ void contact_segments(const int* votes, int segments, int classes, int* label, int* parent) {
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    int best = 0;
    for (int c = 1; c < classes; ++c)
        if (votes[(size_t)s * classes + c] > votes[(size_t)s * classes + best]) best = c;
    label[s] = best, parent[s] = s;
}
EXPORT(contact_segments)

__device__ inline int root_of(const int* parent, int s) {
    for (int above; (above = *(const volatile int*)(parent + s)) != s; s = above) {
    }
    return s;
}

// Joins the two segments of each pair that touch enough both ways and have one class: the higher root goes below the
// lower one. block_of: (segments,).
extern "C" __global__ void contact_join(const u64* pairs, const int* pair_points, const u64* borders,
                                        const int* border_points, int mask, const int* block_of, const int* label,
                                        int* parent) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at > mask || pairs[at] == EMPTY) return;
    int own = (int)(pairs[at] >> 32), other = (int)(unsigned)pairs[at];
    if (own > other || label[own] != label[other]) return;  // touching is mutual: the pair is there both ways
    for (int way = 0; way < 2; ++way) {
        int a = way ? other : own, b = way ? own : other;
        int points = pair_points[found(pairs, mask, (u64)a << 32 | (unsigned)b)];
        int border = border_points[found(borders, mask, (u64)a << 32 | (unsigned)block_of[b])];
        if (points < MIN_CONTACT_POINTS || (double)points / border < MIN_CONTACT_SHARE) return;
    }
    for (int a = own, b = other;;) {
        a = root_of(parent, a), b = root_of(parent, b);
        if (a == b) return;
        int high = a > b ? a : b, low = a > b ? b : a;
        if (atomicCAS(parent + high, high, low) == high) return;
    }
}
EXPORT(contact_join)

// instance: (V,) the joined segment of the first block that draws a voxel; -1 where none does.
extern "C" __global__ void contact_instances(const int* first_row, const int* voxels, const int* clusters,
                                             const int* first, int n, const int* parent, int* instance) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *voxels) return;
    int row = first_row[v];
    instance[v] = row == LARGEST_INT ? -1 : root_of(parent, first[row / n] + clusters[row]);
}
EXPORT(contact_instances)
