// BlockMerging (jspnet_core/pipeline/merging/block_merging.py, mode `fixed`), the split of clusters by class before it,
// and the instances' ids after it. index: (B, N) voxels, counts: (B,).
#include "cuda_or_host.h"

// Parts of clusters with a class of their own become clusters, one block of points by one block of threads.
// clusters, labels: (B, N); cluster_counts: (B,). Scratch: votes and numbers (B, N, C).
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
    split_by_class(const int* counts, const unsigned char* labels, int n, int classes, int least, int* votes,
                   int* numbers, int* clusters, int* cluster_counts) {
    int b = blockIdx.y, t = threadIdx.x, threads = blockDim.x, next = 0, total;
    int count = counts[b], found = cluster_counts[b];
    labels += (size_t)b * n, clusters += (size_t)b * n;
    votes += (size_t)b * n * classes, numbers += (size_t)b * n * classes;
    for (int k = t; k < found * classes; k += threads) votes[k] = 0;
    __syncthreads();
    for (int i = t; i < count; i += threads) atomicAdd(votes + clusters[i] * classes + labels[i], 1);
    __syncthreads();
    for (int k = t; k < found; k += threads) {  // the class of the part that each class's points go to
        int most = 0;
        for (int c = 1; c < classes; ++c)
            if (votes[k * classes + c] > votes[k * classes + most]) most = c;
        for (int c = 0; c < classes; ++c) votes[k * classes + c] = votes[k * classes + c] >= least ? c : most;
    }
    __syncthreads();
    for (int begin = 0; begin < found * classes; begin += threads) {
        int part = begin + t;
        bool taken = part < found * classes && votes[part] == part % classes;
        int rank = rank_in_block(taken, &total);
        if (taken) numbers[part] = next + rank;
        next += total;
    }
    __syncthreads();
    for (int i = t; i < count; i += threads)
        clusters[i] = numbers[clusters[i] * classes + votes[clusters[i] * classes + labels[i]]];
    if (t == 0) cluster_counts[b] = next;
}
EXPORT(split_by_class)

// All blocks, one after the other, by one block of threads. instance: (V,) -1 before; cell_label: (V,).
// Scratch: sizes (N,), votes (N, C), target (N,), best (N,) u64, keys and overlaps (mask + 1,).
// highest: (1,) the highest instance, -1 for none.
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
    merge_blocks(const int* index, const int* counts, const int* clusters, const int* cluster_counts,
                 const unsigned char* labels, int blocks, int n, int classes, int* instance, unsigned char* cell_label,
                 int* sizes, int* votes, int* target, u64* best, u64* keys, int* overlaps, int mask, int* highest) {
    __shared__ int last;
    int t = threadIdx.x, threads = blockDim.x;
    if (t == 0) last = -1;
    for (int b = 0; b < blocks; ++b, index += n, clusters += n, labels += n) {
        int count = counts[b], found = cluster_counts[b], next, total;
        for (int k = t; k < found; k += threads) sizes[k] = 0, best[k] = 0;
        for (int k = t; k < found * classes; k += threads) votes[k] = 0;
        for (int k = t; k <= mask; k += threads) keys[k] = EMPTY, overlaps[k] = 0;
        __syncthreads();
        next = last + 1;
        for (int i = t; i < count; i += threads) {
            atomicAdd(sizes + clusters[i], 1);
            atomicAdd(votes + clusters[i] * classes + labels[i], 1);
        }
        __syncthreads();
        for (int k = t; k < found; k += threads) {  // the most frequent class, in place of the first count
            int most = 0;
            for (int c = 1; c < classes; ++c)
                if (votes[k * classes + c] > votes[k * classes + most]) most = c;
            votes[k * classes] = most;
        }
        __syncthreads();
        for (int i = t; i < count; i += threads) {
            int held = instance[index[i]];
            if (held < 0 || cell_label[index[i]] != votes[clusters[i] * classes]) continue;
            atomicAdd(overlaps + insert(keys, mask, (u64)clusters[i] << 32 | (unsigned)held), 1);
        }
        __syncthreads();
        for (int k = t; k <= mask; k += threads)  // most points, then the lowest instance
            if (keys[k] != EMPTY)
                atomicMax(best + (keys[k] >> 32), (u64)overlaps[k] << 32 | (0xFFFFFFFFu - (unsigned)keys[k]));
        __syncthreads();
        for (int begin = 0; begin < found; begin += threads) {
            int k = begin + t, overlap = k < found ? (int)(best[k] >> 32) : 0;
            bool founds = k < found && ((overlap < MIN_OVERLAP && sizes[k] >= MIN_NEW_POINTS) || (!overlap && sizes[k] > 0));
            int rank = rank_in_block(founds, &total);
            if (k < found) target[k] = founds ? next + rank : overlap ? (int)(0xFFFFFFFFu - (unsigned)best[k]) : 0;
            next += total;
        }
        __syncthreads();
        for (int i = t; i < count; i += threads) {
            if (instance[index[i]] >= 0) continue;
            instance[index[i]] = target[clusters[i]];
            cell_label[index[i]] = votes[clusters[i] * classes];
            atomicMax(&last, target[clusters[i]]);
        }
        __syncthreads();
    }
    if (t == 0) *highest = last;
}
EXPORT(merge_blocks)

// votes: (instances, C), zeros before. Voxels without a label belong to no instance.
extern "C" __global__ void instance_votes(const int* instance, const unsigned char* label, const int* voxels, int classes,
                                          int* votes) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v < *voxels && instance[v] >= 0 && label[v] != UNLABELLED) atomicAdd(votes + (size_t)instance[v] * classes + label[v], 1);
}
EXPORT(instance_votes)

// Class of each instance, and its id from 1 on if it is larger than `ratio` times its class's mean size, else 0; NaN: no
// mean size is known. names: (instances,), category by id: (instances,), number: (1,). One block of threads.
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
    finish_instances(const int* votes, const int* highest, int classes, const double* mean_size, double ratio, int* names,
                   unsigned char* category, int* number) {
    int total, before = 0;
    for (int begin = 0; begin <= *highest; begin += blockDim.x) {
        int k = begin + threadIdx.x, best = 0, size = 0;
        for (int c = 0; c < classes && k <= *highest; ++c) {
            size += votes[(size_t)k * classes + c];
            if (votes[(size_t)k * classes + c] > votes[(size_t)k * classes + best]) best = c;
        }
        bool kept = k <= *highest && size > 0 && !(size <= ratio * mean_size[best]);
        int rank = before + rank_in_block(kept, &total);
        if (k <= *highest) names[k] = kept ? rank + 1 : NO_INSTANCE;
        if (kept) category[rank] = best;
        before += total;
    }
    if (threadIdx.x == 0) *number = before;
}
EXPORT(finish_instances)
