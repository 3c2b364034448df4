"""Topics that the node publishes: the source of its publishers and of the table in docs/ros.md."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float64
from visualization_msgs.msg import MarkerArray

from jspnet_ros.msg import ClassTable, InstanceArray, ObjectArray


@dataclass(frozen=True)
class Topic:
    """A published topic. message: its type. content: for people. latched: late subscribers get the last message."""

    name: str
    message: type
    content: str
    latched: bool = False

    @property
    def type_name(self) -> str:
        """The type as ROS writes it, `sensor_msgs/PointCloud2`."""
        return f"{self.message.__module__.split('.')[0]}/{self.message.__name__}"


SEMANTIC = Topic(
    "~/output/semantic",
    PointCloud2,
    "every input point, in input order and organisation: x y z rgb label confidence",
)
INSTANCES = Topic(
    "~/output/instances",
    PointCloud2,
    "the same and `instance` (UINT32, 0 = none), coloured by instance",
)
INSTANCE_ARRAY = Topic(
    "~/output/instance_array",
    InstanceArray,
    "class, confidence, point count, centroid, box of each instance, in the gravity frame, and that frame's pose",
)
MARKERS = Topic("~/output/markers", MarkerArray, "a box and a caption per thing")
CLASSES = Topic(
    "~/output/classes",
    ClassTable,
    "ids, names, colours, things, and each class's id in the smaller table (`base_ids`: a program that knows the 13 of "
    "S3DIS reads a model of `indoor` by them); latched",
    latched=True,
)
OBJECTS = Topic(
    "~/output/objects",
    ObjectArray,
    "with `memory`: objects of the map with lasting ids, classes, boxes, times; at most once a second, latched",
    latched=True,
)
MAP = Topic(
    "~/output/map",
    PointCloud2,
    "with `memory`: voxels of the map as a cloud, as `~/output/instances`; every `map_period` seconds",
)
TIMES = {
    **{
        group: Topic(f"~/debug/processing_time/{group}_ms", Float64, f"{content}, with every frame")
        for group, content in {
            "preprocess": "milliseconds before the network",
            "inference": "milliseconds of the network",
            "postprocess": "milliseconds behind the network, publishing included",
            "total": "milliseconds of the three together",
        }.items()
    },
    "age": Topic(
        "~/debug/age_ms", Float64, "from the cloud's arrival at the node to the last message out, waiting included"
    ),
    "latency": Topic("~/debug/pipeline_latency_ms", Float64, "from the cloud's stamp to the last message out"),
}
"""Times of a frame by their name in `publishers`."""

DIAGNOSTICS = Topic(
    "/diagnostics", DiagnosticArray, "counts of frames, times by stage, where the gravity frame came from"
)
TOPICS = (SEMANTIC, INSTANCES, INSTANCE_ARRAY, MARKERS, CLASSES, OBJECTS, MAP, *TIMES.values(), DIAGNOSTICS)
"""Everything that the node publishes, in the order of the documentation."""
