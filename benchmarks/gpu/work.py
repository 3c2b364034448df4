"""Work of the network for a block, counted from its configuration: operations and bytes, not measured.

python -m benchmarks.gpu.work       # the table of docs/gpu.md
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jspnet_core.network_config import NetworkConfiguration, Size

BYTES = 2  # of a 16-bit number


@dataclass
class Work:
    """Floating-point operations, a multiply-add being two, and bytes read and written if no two layers are fused."""

    operations: dict[str, float] = field(default_factory=dict)
    traffic: float = 0.0

    def dense(self, part: str, rows: int, *widths: int) -> None:
        for a, b in zip(widths, widths[1:], strict=False):
            self.operations[part] = self.operations.get(part, 0) + 2 * rows * a * b
            self.traffic += BYTES * rows * (a + b)

    def total(self) -> float:
        return sum(self.operations.values())


def work_of_a_block(c: NetworkConfiguration, *, padded: bool) -> Work:
    """padded: queries and keys as wide as the values, as TensorRT's fused attention wants them."""
    work, n, (n1, n2, n3, n4) = Work(), c.points, c.levels
    k = c.encoder_neighbors
    work.dense("encoder", n1 * k, c.channels, *c.set_abstraction)
    inputs = (c.set_abstraction[-1], *(widths[-1] for widths in c.point_conv))
    for rows, i, widths in zip((n2, n3, n4), inputs, c.point_conv, strict=False):
        work.dense("encoder", rows * k, i + 3, *widths[:-1])
        work.dense("encoder", rows * k, 3, c.weight_net)
        work.dense("encoder", rows, widths[-2] * k, c.weight_net)  # features times learned weights
        work.dense("encoder", rows, widths[-2] * c.weight_net, widths[-1])
    deep = (c.point_conv[2][-1], c.decoder[0][-1], c.decoder[1][-1])
    skips = (c.point_conv[1][-1], c.point_conv[0][-1], c.set_abstraction[-1])
    for _ in ("semantic", "instance"):
        for rows, i, skip, widths in zip((n3, n2, n1), deep, skips, c.decoder, strict=True):
            work.dense("decoders", rows * c.decoder_neighbors, 3, c.weight_net, i + 3)
            work.dense("decoders", rows, i + 3 + skip, *widths)
        work.dense("decoders", n, c.decoder[2][-1] + c.channels - 3, *c.propagation)
        work.dense("decoders", n, c.decoder[1][-1], c.fusion)
        work.dense("fusion", n, c.fusion, c.fusion)
        work.dense("fusion", n, c.fusion, c.fusion)
        keys = c.piff_key_count
        width = max(c.d_k, c.d_v) if padded else c.d_k
        work.operations["attention"] = work.operations.get("attention", 0) + 2 * n * keys * (width + c.d_v)
        work.traffic += BYTES * (n * (width + c.d_v) + keys * (width + c.d_v))  # fused: the N x N matrix stays inside
        work.dense("heads", n, 2 * c.fusion, width)
        work.dense("heads", keys, 2 * c.fusion, width + c.d_v)
        work.dense("heads", n, c.d_v, c.fusion)
        work.dense("heads", n, 3 * c.fusion, c.fusion, c.classes)
    return work


JETSONS = {"AGX Orin 64 GB": (42.5, 204.8), "Orin NX 16 GB": (15.0, 102.4), "Orin Nano 8 GB": (10.0, 68.0)}
"""Dense fp16 TFLOP/s of the GPU and GB/s by the vendor's datasheets (a quarter of the sparse INT8 figure)."""

SIZES: tuple[Size, ...] = ("l", "m")
SHARE = 0.4  # of both that a well-fused engine is taken to reach


def table(blocks: int = 32) -> str:
    lines = [
        f"| {blocks} blocks | network | arithmetic, ms | memory, ms | both, ms |",
        "|---|---|---:|---:|---:|",
    ]
    for name in SIZES:
        work = work_of_a_block(NetworkConfiguration.of_size(name), padded=True)
        for jetson, (teraflops, gigabytes) in JETSONS.items():
            busy = 1e3 * blocks * work.total() / (SHARE * teraflops * 1e12)
            moved = 1e3 * blocks * work.traffic / (SHARE * gigabytes * 1e9)
            lines.append(f"| {jetson} | {name} | {busy:.0f} | {moved:.0f} | {busy + moved:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    for name in SIZES:
        for padded in (False, True):
            counted = work_of_a_block(NetworkConfiguration.of_size(name), padded=padded)
            parts = ", ".join(f"{part} {1e-9 * count:.2f}" for part, count in counted.operations.items())
            form = f"{name}, padded" if padded else name
            print(f"{form}: {1e-9 * counted.total():.1f} GFLOP ({parts}), {1e-6 * counted.traffic:.0f} MB")
    print(table())
