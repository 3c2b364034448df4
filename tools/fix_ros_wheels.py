"""Point the CMake files of the ROS wheels at this environment instead of the machine that built them.

usage: VENV/bin/python tools/fix_ros_wheels.py [FOLDER_OF_PYTHON_H]

The wheels export two folders of their builder, Python's headers and numpy's; a package with messages does
not build before both are rewritten. Running it twice is harmless.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy


def fix(share: Path, python_headers: str, numpy_headers: str) -> int:
    """Rewrite the builder's folders in every CMake file under `share`. Returns the number of files changed."""
    python = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")
    arrays = re.compile(r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/_core/include")
    changed = 0
    for path in share.rglob("*.cmake"):
        text = path.read_text()
        fixed = arrays.sub(numpy_headers, python.sub(python_headers, text))
        if fixed != text:
            path.write_text(fixed)
            changed += 1
    return changed


if __name__ == "__main__":
    headers = sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_paths()["include"]
    count = fix(Path(sys.prefix) / "share", headers, numpy.get_include())
    print(f"ROS wheels: {count} CMake files now name this environment")
