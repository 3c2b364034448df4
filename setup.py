"""Let `setup.py` callers build the package, too: colcon, editable installs and older tools look for this file.

All metadata stands in pyproject.toml. On a robot colcon builds the ROS package from CMakeLists.txt instead.
"""

from setuptools import setup

setup()
