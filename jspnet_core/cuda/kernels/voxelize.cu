// Voxels (jspnet_core/pipeline/voxelize.py): one representative per cube, the first of the input's points in it, numbered in the
// order of those points. Insert, count per chunk, scan, number. The same result in whatever order threads run.
#include "cuda_or_host.h"

// keys: `mask` + 1 slots, EMPTY before. first: as many, ~0 before. slot: (n,), -1 where a point has no return.
extern "C" __global__ void voxel_insert(const float* points, int n, double per_metre, float limit, u64* keys,
                                        unsigned* first, int mask, int* slot) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = points[3 * i], y = points[3 * i + 1], z = points[3 * i + 2];
    if (!(fabsf(x) <= limit && fabsf(y) <= limit && fabsf(z) <= limit)) {  // NaN compares false, too
        slot[i] = -1;
        return;
    }
    u64 a = (u64)(long long)floor(x * per_metre) & 0x1FFFFF;
    u64 b = (u64)(long long)floor(y * per_metre) & 0x1FFFFF;
    u64 c = (u64)(long long)floor(z * per_metre) & 0x1FFFFF;
    int at = insert(keys, mask, a << 42 | b << 21 | c);
    atomicMin(first + at, (unsigned)i);
    slot[i] = at;
}
EXPORT(voxel_insert)

__device__ inline bool is_first(const int* slot, const unsigned* first, int i, int n) {
    return i < n && slot[i] >= 0 && first[slot[i]] == (unsigned)i;
}

// sums: (chunks + 1,). One block of CHUNK threads per chunk.
extern "C" __global__ void voxel_count(const int* slot, const unsigned* first, int n, int* sums) {
    int total;
    rank_in_block(is_first(slot, first, blockIdx.x * CHUNK + threadIdx.x, n), &total);
    if (threadIdx.x == 0) sums[blockIdx.x] = total;
}
EXPORT(voxel_count)

// Exclusive sums in place; the last place gets the number of voxels. One thread: chunks are few hundred.
extern "C" __global__ void voxel_scan(int* sums, int chunks) {
    int before = 0;
    for (int i = 0; i <= chunks; ++i) {
        int here = i < chunks ? sums[i] : 0;
        sums[i] = before;
        before += here;
    }
}
EXPORT(voxel_scan)

extern "C" __global__ void voxel_number(const int* slot, const unsigned* first, int n, const int* sums, int* of_slot,
                                        int* representative) {
    int total, i = blockIdx.x * CHUNK + threadIdx.x;
    bool flag = is_first(slot, first, i, n);
    int voxel = sums[blockIdx.x] + rank_in_block(flag, &total);
    if (flag) of_slot[slot[i]] = voxel, representative[voxel] = i;
}
EXPORT(voxel_number)

extern "C" __global__ void voxel_of_point(const int* slot, const int* of_slot, int n, int* of_point) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) of_point[i] = slot[i] < 0 ? -1 : of_slot[slot[i]];
}
EXPORT(voxel_of_point)

// Representatives in the gravity frame. T: the first three rows of T_gravity_input, row after row.
extern "C" __global__ void to_gravity(const float* points, const int* representative, const int* count, const float* T,
                                      float* xyz) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *count) return;
    const float* p = points + 3 * (size_t)representative[v];
    for (int row = 0; row < 3; ++row)
        xyz[3 * v + row] = T[4 * row] * p[0] + T[4 * row + 1] * p[1] + T[4 * row + 2] * p[2] + T[4 * row + 3];
}
EXPORT(to_gravity)
