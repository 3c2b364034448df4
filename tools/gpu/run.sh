#!/usr/bin/env bash
# On a fresh machine with a GPU and PyTorch: install the wheels of .whl, then train from .gpu into $OUT.
#   .gpu/furniture  furniture library       .gpu/rooms.xz  rooms of tools/gpu/pack_rooms.py, optional
# Arguments go to tools/gpu/train_on_gpu.py, as --seconds 575. All paths are relative to this checkout.
set -euo pipefail
cd "$(dirname "$0")/../.."
TRAIN_ON_GPU_BEGUN=$(date +%s.%N)
export TRAIN_ON_GPU_BEGUN
if compgen -G ".whl/*.whl" >/dev/null; then
  python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target /tmp/site .whl/*.whl
  export PYTHONPATH=/tmp/site${PYTHONPATH:+:$PYTHONPATH}
fi
export OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1 CUDA_MODULE_LOADING=LAZY
memory=$(awk '/MemTotal/ {print int($2 * 6 / 10)}' /proc/meminfo)
if [[ $(df --output=size /dev/shm | tail -1) -lt $memory && $(id -u) == 0 ]]; then  # a container's is often 64 MB
  mount -o "remount,size=${memory}k" /dev/shm || echo "/dev/shm stays as it is"
fi
df -h /dev/shm /tmp | cat
free -g | head -2
python3 - <<'E2'
import numba, numpy, PIL, pydantic, rich, scipy, sys, tensorboard, threadpoolctl, torch
print(sys.version.split()[0], *(f"{m.__name__} {m.__version__}" for m in (numba, numpy, pydantic, scipy, torch)))
E2
real=()
[[ -f .gpu/rooms.xz ]] && real=(--real .gpu/rooms.xz --init jspnet_core/models/jspnet_s3dis.pt)
python3 tools/gpu/train_on_gpu.py "${OUT:?name a folder for the results}" --assets .gpu/furniture "${real[@]}" "$@"
ls -la "$OUT"
