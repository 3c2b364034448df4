"""Fuzz the readers of files: no exception but the documented one, no allocation beyond a bound, no slow input.

python tools/fuzz.py ply -max_total_time=60        # or pcd, npz, npy, txt, model; needs atheris (pip install atheris)

Options behind the format go to libFuzzer. Without atheris, `--random N` tries N mutations of well-formed files.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jspnet_core.errors import JspnetError
from jspnet_core.io.clouds import Cloud, read_cloud, write_cloud
from jspnet_core.model_file import read_description
from jspnet_core.segmentation import Segmentation

CLOUDS = ("ply", "pcd", "npz", "npy", "txt")
SLOW = 5.0  # seconds for one input of a few kilobytes, on a busy machine too
BOUND = 128 << 20  # bytes that one input of a few kilobytes may allocate


def target(form: str, folder: Path) -> Callable[[bytes], None]:
    """The function that is given one input after the other."""
    path = folder / f"input.{'onnx' if form == 'model' else form}"
    read = read_description if form == "model" else read_cloud

    def one(data: bytes) -> None:
        path.write_bytes(data)
        begin = time.perf_counter()
        tracemalloc.start()
        said = str(path)
        try:
            read(path)
        except JspnetError as error:
            said = str(error)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert str(path) in said, f"does not name the file: {said}"
        assert "\n" not in said, f"more than one line: {said}"
        assert peak < BOUND, f"{peak} bytes allocated for {len(data)}"
        assert time.perf_counter() - begin < SLOW, "slow"

    return one


def seeds(form: str, folder: Path) -> list[bytes]:
    """Well-formed files to begin from."""
    if form == "model":
        return []
    n = 12
    cloud = Cloud(np.random.default_rng(0).random((n, 3)).astype(np.float32), np.full((n, 3), 7, np.uint8))
    zeros = np.zeros(n)
    path = folder / f"seed.{form}"
    write_cloud(
        path,
        cloud,
        Segmentation(
            zeros.astype(np.uint8), zeros.astype(np.uint32), zeros.astype(np.float32), [], np.eye(4), "", 0, 0
        ),
    )
    found = [path.read_bytes()]
    if form == "ply":
        found.append(
            b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty list uchar int i\nproperty float y\n"
            b"property float z\nend_header\n1 2 3 4 5 6\n1 0 5 6\n"
        )
    if form == "pcd":
        found.append(b"FIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nWIDTH 2\nDATA ascii\n1 2 3 4\nnan nan nan 0\n")
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, removed, repeated, or digits made large."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0 if at < len(changed):
                changed[at] = rng.randrange(256)
            case 1:
                del changed[at : at + rng.randint(1, 9)]
            case 2:
                changed[at:at] = changed[at : at + rng.randint(1, 40)]
            case _:
                changed[at:at] = rng.choice([b"9" * 12, b"-1", b"nan", b"\0" * 4, b"\xff" * 4, b"\n", b" "])
    return bytes(changed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=[*CLOUDS, "model"])
    parser.add_argument("--random", type=int, default=0, metavar="N", help="mutations to try without atheris")
    chosen, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, begin = target(chosen.form, folder), seeds(chosen.form, folder)
        if chosen.random:
            rng = random.Random(0)
            for _ in range(chosen.random):
                data = mutated(rng.choice(begin), rng) if begin else rng.randbytes(200)
                one(data)
            print(f"{chosen.random} inputs: no defect")
            return
        import atheris

        corpus = folder / "corpus"
        corpus.mkdir()
        for number, data in enumerate(begin):
            (corpus / str(number)).write_bytes(data)
        atheris.instrument_all()
        atheris.Setup([sys.argv[0], str(corpus), *rest], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
