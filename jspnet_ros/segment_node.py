"""The node: clouds of a depth sensor in, labelled clouds out.

A managed node that configures and activates itself unless `autostart` is false. The executor's thread receives
clouds and answers services, a second one labels them, a third publishes the labels.
"""

from __future__ import annotations

import sys
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.exceptions import ParameterException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.signals import SignalHandlerOptions

from jspnet_core.engine.model_file import default_model
from jspnet_core.engine.prebuild import build_ahead
from jspnet_core.errors import EngineError, ModelFileError
from jspnet_core.pipeline.load import load_segmenter
from jspnet_core.settings import FrameSettings
from jspnet_ros.node.core_log import forward_log
from jspnet_ros.node.diagnostics import NodeState, diagnostics
from jspnet_ros.node.gravity_source import GivenGravity, Tf2MissingError
from jspnet_ros.node.labeller import CloudLabeller
from jspnet_ros.node.lifecycle import answer_impossible_transitions, logged
from jspnet_ros.node.parameters import AT_CONFIGURE, NodeSettings, SettingError, declare, read, unknown_names
from jspnet_ros.node.session import Run
from jspnet_ros.node.shutdown import Interruption
from jspnet_ros.node.statistics import FrameStatistics, Snapshot
from jspnet_ros.node.warm_up import warm_up


class SegmentNode(LifecycleNode):
    """`jspnet_segmenter`. Raises `SettingError` or rclpy's `ParameterException` for parameters that are refused."""

    def __init__(self) -> None:
        super().__init__("jspnet_segmenter")
        forward_log(self.get_logger())
        answer_impossible_transitions(self)
        declare(self, NodeSettings)
        declare(self, FrameSettings)
        unknown = unknown_names(self)
        if unknown:
            raise SettingError("; ".join(unknown))
        read(self, NodeSettings)
        self._settings = read(self, FrameSettings)
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._take_parameters)

        self._statistics, self._before = FrameStatistics(), Snapshot()
        self._problem = ""
        self._labeller: CloudLabeller | None = None  # from configuration to clean-up
        self._run: Run | None = None  # while active
        self._diagnostics = self.create_publisher(
            DiagnosticArray, "/diagnostics", 1, qos_overriding_options=QoSOverridingOptions.with_default_policies()
        )
        self.create_timer(1.0, self._every_second, clock=Clock(clock_type=ClockType.STEADY_TIME))

    # Lifecycle

    @logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        settings = read(self, NodeSettings)
        try:
            self._labeller = self._load(settings)
        except (ModelFileError, EngineError, SettingError, Tf2MissingError) as error:
            self._problem = str(error)
            self.get_logger().error(f"cannot be configured: {error}")
            return TransitionCallbackReturn.FAILURE
        self._problem = ""
        engine = self._labeller.about_engine or settings.engine
        self.get_logger().info(f"model {self._labeller.model_name} loaded into {engine}")
        return super().on_configure(state)

    @logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        assert self._labeller is not None
        result = super().on_activate(state)
        self._labeller.outputs.publish_classes()
        self._run = Run(self, self._labeller, self._statistics)
        self.get_logger().info(f"labelling {self._run.topic} ({self._run.reliability})")
        return result

    @logged
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        return super().on_deactivate(state)

    @logged
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._unload()
        return super().on_cleanup(state)

    @logged
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        self._unload()
        return super().on_shutdown(state)

    @logged
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._problem = "a transition failed, the log says why"
        self._stop()
        self._unload()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop labelling and free the engine, in whatever state the node is."""
        try:
            self._stop()
        finally:
            self._unload()

    def build(self) -> int:
        """Build the engine, or find it built. Returns the exit code: 1, and why in the log, where it cannot be."""
        settings = read(self, NodeSettings)
        try:
            build_ahead(settings.engine, Path(settings.model or default_model()))
        except (ModelFileError, EngineError) as error:
            self.get_logger().error(f"nothing is built: {error}")
            return 1
        return 0

    # Private

    def _load(self, settings: NodeSettings) -> CloudLabeller:
        """Everything that takes long, once."""
        if settings.target_frame and settings.sensor_pose.strip():
            raise SettingError("target_frame and sensor_pose both give the gravity frame: set one of them")
        segmenter = load_segmenter(settings.model or None, settings.engine, self._settings)
        try:
            warm_up(segmenter)
            return CloudLabeller(self, segmenter, GivenGravity(self, settings), self._statistics)
        except BaseException:
            segmenter.close()
            raise

    def _stop(self) -> None:
        if self._run is not None:
            run, self._run = self._run, None
            run.stop()

    def _unload(self) -> None:
        if self._labeller is not None:
            self._labeller.close()
            self._labeller = None

    def _every_second(self) -> None:
        if self._run is not None:
            self._run.check()
        now = self._statistics.snapshot()
        self._diagnostics.publish(diagnostics(self.get_clock().now().to_msg(), self._state(), now, self._before))
        self._before = now

    def _state(self) -> NodeState:
        settings = read(self, NodeSettings)
        about: dict[str, str] = {"engine": settings.engine}
        if self._labeller is not None:
            about["model"] = self._labeller.model_name
        if self._run is not None:
            about["input"] = f"{self._run.topic} ({self._run.reliability})"
        topic = "" if self._run is None else self._run.topic
        return NodeState(self.get_name(), self._run is not None, self._problem, topic, settings.slow_frame_ms, about)

    def _check_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        changes = {parameter.name: parameter.value for parameter in parameters}
        early = sorted(AT_CONFIGURE & changes.keys())
        if early and self._labeller is not None:
            reason = f"{', '.join(early)} take effect when the node is configured: deactivate and clean it up first"
            return SetParametersResult(successful=False, reason=reason)
        try:
            read(self, NodeSettings, changes)
            read(self, FrameSettings, changes)
        except SettingError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take_parameters(self, _: list[Parameter]) -> None:
        self._settings = read(self, FrameSettings)
        if self._labeller is not None:
            self._labeller.settings = self._settings


def main() -> int:
    """Run the node until it is interrupted, or until the engine is built where no more is wanted.

    Returns the exit code: 1 where the engine cannot be built, 2 where a parameter is refused.
    """
    interruption = Interruption()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = SegmentNode()
    except (SettingError, ParameterException) as error:
        print(f"jspnet_segmenter: {error}", file=sys.stderr)
        rclpy.shutdown()
        return 2
    except KeyboardInterrupt:
        rclpy.shutdown()
        return 0
    try:
        if node.get_parameter("build_only").value:
            return node.build()
        if node.get_parameter("autostart").value and node.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            node.trigger_activate()
        interruption.spin(node)
    except KeyboardInterrupt:  # while a model was loading
        pass
    finally:
        node.close()
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
