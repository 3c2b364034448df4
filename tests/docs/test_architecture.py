"""Imports run in one direction, and docs/architecture.md shows the steps and rooms that are there."""

from __future__ import annotations

import graphlib
import sys

import pytest

from tools import architecture
from tools.architecture import BASICS, LAYERS, ROOT, STEPS, TORCH_FILES, UPWARD, WITHOUT_TORCH, Import

KNOWN = architecture.modules()
IMPORTS = architecture.imports()
ROS = ("ament_index_python", "builtin_interfaces", "diagnostic_msgs", "geometry_msgs", "launch", "launch_ros", "rclpy")
ROS += ("lifecycle_msgs", "rcl_interfaces", "rosidl_runtime_py", "sensor_msgs", "sensor_msgs_py", "std_msgs")
ROS += ("tf2_msgs", "tf2_ros", "visualization_msgs", "jspnet_ros")
HEAVY = ("torch", "tensorboard", "onnx", "onnxscript", "pandas", "h5py", "sklearn", "matplotlib")


def package(found: Import) -> str:
    return found.imported.split(".")[0]


def inner() -> list[tuple[Import, str, str]]:
    """Imports between two rooms of jspnet_core."""
    found = []
    for one in IMPORTS:
        module = architecture.module_of(one.imported, KNOWN)
        if module and module.startswith("jspnet_core") and one.importer.startswith("jspnet_core"):
            found.append((one, architecture.room(one.importer), architecture.room(module)))
    return found


def test_no_module_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {name: set() for name in KNOWN}
    for one in IMPORTS:
        module = architecture.module_of(one.imported, KNOWN)
        if module and module != one.importer:
            graph[one.importer].add(module)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_rooms_import_from_rooms_below_them() -> None:
    height = {name: -number for number, name in enumerate(LAYERS)}
    wrong = [
        str(one)
        for one, importer, imported in inner()
        if importer in height and imported in height and height[imported] > height[importer]
        if (importer, imported) not in UPWARD
    ]
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_still_needed_and_they_stay_few() -> None:
    found = {(importer, imported) for _, importer, imported in inner()}
    assert set(UPWARD) <= found
    assert len(UPWARD) <= 4


def test_basic_modules_import_each_other_only() -> None:
    wrong = [str(one) for one, importer, imported in inner() if importer in BASICS and imported not in BASICS]
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_layer() -> None:
    rooms = {path.parent.name for path in (ROOT / "jspnet_core").glob("*/__init__.py")}
    assert rooms == set(LAYERS)
    files = {path.stem for path in (ROOT / "jspnet_core").glob("[a-z]*.py")}
    assert files == set(BASICS)


def test_the_core_imports_no_ros() -> None:
    wrong = [str(one) for one in IMPORTS if one.importer.startswith("jspnet_core") and package(one) in ROS]
    assert not wrong, "\n".join(wrong)


def test_the_robots_rooms_load_nothing_heavy_when_imported() -> None:
    wrong = [
        str(one)
        for one in IMPORTS
        if not one.lazy and package(one) in HEAVY
        if architecture.room(one.importer) in (*WITHOUT_TORCH, *BASICS, "node", "messages")
        if one.importer.removeprefix("jspnet_core.") not in TORCH_FILES
    ]
    assert not wrong, "\n".join(wrong)


def test_files_with_torch_are_imported_inside_functions_only() -> None:
    """Else importing an engine of the CPU would load torch after all."""
    wrong = [
        str(one)
        for one, importer, _ in inner()
        if not one.lazy and importer in WITHOUT_TORCH
        if (architecture.module_of(one.imported, KNOWN) or "").removeprefix("jspnet_core.") in TORCH_FILES
        if one.importer.removeprefix("jspnet_core.") not in TORCH_FILES
    ]
    assert not wrong, "\n".join(wrong)


def test_the_node_reaches_no_kernel_and_no_training() -> None:
    """jspnet_ros holds no algorithm: it calls segmenters and engines by their interface."""
    above = ("training", "export", "network", "spatial.ball_query", "spatial.knn", "cuda.kernels")
    wrong = [
        str(one)
        for one in IMPORTS
        if one.importer.startswith(("jspnet_ros.node", "jspnet_ros.messages"))
        if one.imported.startswith(tuple(f"jspnet_core.{name}" for name in above))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_files_of_a_step_exist(step: architecture.Step) -> None:
    for path in (*step.cpu, *step.device, *step.kernels):
        assert (ROOT / path).exists(), path


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    page = architecture.PAGE.read_text()
    assert page == architecture.with_tables(page), f"run: {sys.executable} -m tools.architecture"
