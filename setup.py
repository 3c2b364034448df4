"""`pip install .` for machines without ROS: training, export and the `jspnet` command.

On a robot, colcon builds the ROS package from CMakeLists.txt instead.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
found = re.search(r'__version__ = "(.+)"', (here / "jspnet_core" / "__init__.py").read_text())
assert found, "jspnet_core/__init__.py states no __version__"
torch = "torch>=2.4"

setup(
    name="jspnet",
    version=found[1],
    description="JSPNet: joint semantic and instance segmentation of indoor point clouds",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["jspnet_core", "jspnet_core.*"]),
    package_data={"jspnet_core": ["py.typed", "models/*.*", "cuda/kernels/*", "report/templates/*.j2"]},
    install_requires=[
        "numpy>=1.26",
        "numba>=0.60",
        "scipy>=1.11",
        "pydantic>=2.6",
        "onnxruntime>=1.18",
        "typer>=0.20",
        "pypcd4>=1.5",
        "rich>=13",
    ],
    extras_require={
        "train": [torch, "tensorboard>=2.15", "threadpoolctl>=3.1"],
        "export": [torch, "onnx>=1.17", "onnxscript>=0.3"],
        "prepare": ["pandas>=2.2", "h5py>=3.10", "scikit-learn>=1.4"],
        "openvino": ["openvino>=2025.0"],
        "tensorrt": ["tensorrt>=10.3", "pycuda>=2024.1"],
        "report": [torch, "tensorboard>=2.15", "threadpoolctl>=3.1", "jinja2>=3.1", "matplotlib>=3.8"],
        "viz": ["matplotlib>=3.8", "pillow>=10"],
    },
    entry_points={"console_scripts": ["jspnet = jspnet_core.cli.main:main"]},
)
