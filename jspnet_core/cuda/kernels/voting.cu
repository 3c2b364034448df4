// Semantic voting (jspnet_core/pipeline/voting.py): block points vote for the classes of their voxels, rare classes are
// suppressed. Sums are integers, so that the order of the threads changes nothing. index: (B, N) voxels, counts: (B,).
#include "cuda_or_host.h"

// block_label: (B, N); total: (V, C) probabilities times PROBABILITY_ONE and times: (V,), zeros before.
extern "C" __global__ void vote(const float* logits, const int* index, const int* counts, int n, int classes,
                                unsigned char* block_label, unsigned* total, int* times) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y;
    if (i >= n) return;
    size_t at = (size_t)b * n + i;
    logits += at * classes;
    int best = 0;
    for (int c = 1; c < classes; ++c)
        if (logits[c] > logits[best]) best = c;
    block_label[at] = best;
    if (i >= counts[b]) return;
    float share = 0.0f;
    for (int c = 0; c < classes; ++c) share += expf(logits[c] - logits[best]);
    for (int c = 0; c < classes; ++c)
        atomicAdd(total + (size_t)index[at] * classes + c, (unsigned)((float)PROBABILITY_ONE * (expf(logits[c] - logits[best]) / share)));
    atomicAdd(times + index[at], 1);
}
EXPORT(vote)

// label: (V,) UNLABELLED where no block holds the voxel; confidence: (V,).
extern "C" __global__ void count_votes(const unsigned* total, const int* times, const int* voxels, int classes,
                                       unsigned char* label, float* confidence) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *voxels) return;
    total += (size_t)v * classes;
    unsigned most = 0;
    int best = UNLABELLED;
    for (int c = 0; c < classes; ++c)
        if (total[c] > most) most = total[c], best = c;
    label[v] = best;
    confidence[v] = times[v] ? most / (float)PROBABILITY_ONE / times[v] : 0.0f;
}
EXPORT(count_votes)

// Voxels of each class: found (C,), zeros before. C <= THREADS.
extern "C" __global__ void class_voxels(const unsigned char* label, const int* voxels, int classes, int* found) {
    __shared__ int here[THREADS];
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    for (int c = threadIdx.x; c < classes; c += blockDim.x) here[c] = 0;
    __syncthreads();
    if (v < *voxels && label[v] != UNLABELLED) atomicAdd(here + label[v], 1);
    __syncthreads();
    for (int c = threadIdx.x; c < classes; c += blockDim.x)
        if (here[c]) atomicAdd(found + c, here[c]);
}
EXPORT(class_voxels)

// Fewest voxels of a class that counts as present: `least`, or as many as the most frequent one has.
__device__ inline double bar_of(const int* found, int classes, double least) {
    int most = 0;
    for (int c = 0; c < classes; ++c) most = found[c] > most ? found[c] : most;
    return least < most ? least : most;
}

// Voxels of rare classes take the most probable of the others, the first of several.
extern "C" __global__ void without_rare(const unsigned* total, const int* times, const int* voxels, int classes,
                                        const int* found, double least, unsigned char* label, float* confidence) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *voxels || label[v] == UNLABELLED) return;
    double bar = bar_of(found, classes, least);
    if (found[label[v]] >= bar) return;
    total += (size_t)v * classes;
    int best = -1;
    for (int c = 0; c < classes; ++c)
        if (found[c] >= bar && (best < 0 || total[c] > total[best])) best = c;
    label[v] = best;
    confidence[v] = total[best] / (float)PROBABILITY_ONE / (times[v] > 1 ? times[v] : 1);
}
EXPORT(without_rare)

// Points of rare classes take their voxel's. block_label and index: (rows,).
extern "C" __global__ void rare_points(const int* index, int rows, const unsigned char* label, int classes,
                                       const int* found, double least, unsigned char* block_label) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < rows && found[block_label[i]] < bar_of(found, classes, least)) block_label[i] = label[index[i]];
}
EXPORT(rare_points)
