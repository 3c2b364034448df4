// Labels back on every input point (jspnet_core/pipeline/labels_to_points.py): gaps filled from the nearest labelled voxel, instances
// summarised, points painted. Sums are integers, so that the order of the threads changes nothing.
#include "cuda_or_host.h"

// Voxels with a label and those without, in any order: lists (V,) and their lengths (2,), zeros before.
// id: (V,) of the voxel's instance by its name, 0 for none.
extern "C" __global__ void split_voxels(const unsigned char* label, const int* instance, const int* names,
                                        const int* voxels, int* labelled, int* missing, int* lengths, unsigned* id) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *voxels) return;
    bool has = label[v] != UNLABELLED;
    (has ? labelled : missing)[atomicAdd(lengths + !has, 1)] = v;
    id[v] = has && instance[v] >= 0 ? names[instance[v]] : NO_INSTANCE;
}
EXPORT(split_voxels)

// Missing voxels take everything from the nearest labelled one within reach, the first of several.
// One block of threads per THREADS missing voxels, the labelled ones in tiles.
extern "C" __global__ void __launch_bounds__(THREADS)
    fill_gaps(const float* xyz, const int* labelled, const int* missing, const int* lengths, float reach,
              unsigned char* label, float* confidence, unsigned* id) {
    __shared__ float tile[3 * THREADS];
    __shared__ int which[THREADS];
    int at = blockIdx.x * THREADS + threadIdx.x, v = at < lengths[1] ? missing[at] : -1, nearest = -1;
    if ((int)blockIdx.x * THREADS >= lengths[1]) return;
    float least = reach * reach;
    for (int begin = 0; begin < lengths[0]; begin += THREADS) {
        int here = lengths[0] - begin < THREADS ? lengths[0] - begin : THREADS;
        if ((int)threadIdx.x < here) {
            which[threadIdx.x] = labelled[begin + threadIdx.x];
            for (int axis = 0; axis < 3; ++axis) tile[3 * threadIdx.x + axis] = xyz[3 * (size_t)which[threadIdx.x] + axis];
        }
        __syncthreads();
        for (int i = 0; v >= 0 && i < here; ++i) {
            float d = squared_distance(tile + 3 * i, xyz + 3 * (size_t)v);
            if (d < least || (d == least && nearest >= 0 && which[i] < nearest)) least = d, nearest = which[i];
        }
        __syncthreads();
    }
    if (nearest >= 0) label[v] = label[nearest], confidence[v] = confidence[nearest], id[v] = id[nearest];
}
EXPORT(fill_gaps)

extern "C" __global__ void paint(const int* of_point, int n, const unsigned char* label, const float* confidence,
                                 const unsigned* id, unsigned char* point_label, float* point_confidence,
                                 unsigned* point_id, int* points_of_voxel) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int v = of_point[i];
    point_label[i] = v < 0 ? UNLABELLED : label[v];
    point_confidence[i] = v < 0 ? 0.0f : confidence[v];
    point_id[i] = v < 0 ? NO_INSTANCE : id[v];
    if (v >= 0) atomicAdd(points_of_voxel + v, 1);
}
EXPORT(paint)

// sums: (instances, 5) points, their x y z in micrometres and confidence times PROBABILITY_ONE, zeros before;
// bounds: (instances, 6) ordered integers, INT_MAX and INT_MIN before. Row k is instance k + 1.
extern "C" __global__ void summarize(const float* xyz, const unsigned* id, const float* confidence,
                                     const int* points_of_voxel, const int* voxels, long long* sums, int* bounds) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *voxels || id[v] == NO_INSTANCE) return;
    long long points = points_of_voxel[v];
    u64* row = (u64*)sums + 6 * (size_t)(id[v] - 1);
    int* bound = bounds + 6 * (size_t)(id[v] - 1);
    atomicAdd(row, (u64)points);
    for (int axis = 0; axis < 3; ++axis) {
        float value = xyz[3 * (size_t)v + axis];
        atomicAdd(row + 1 + axis, (u64)(points * llrint(MICROMETRES * (double)value)));
        atomicMin(bound + axis, ordered(value));
        atomicMax(bound + 3 + axis, ordered(value));
    }
    atomicAdd(row + 4, (u64)(points * llrintf((float)PROBABILITY_ONE * confidence[v])));
    atomicAdd(row + 5, (u64)1);
}
EXPORT(summarize)
