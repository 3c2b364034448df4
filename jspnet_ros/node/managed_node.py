"""The managed node `jspnet_segmenter`: clouds of a depth sensor in, labelled clouds out.

It configures and activates itself unless `autostart` is false. The executor's thread receives clouds and answers
services, a second thread labels the clouds, a third publishes the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos_overriding_options import QoSOverridingOptions

from jspnet_core.engine.prebuild import build_ahead
from jspnet_core.errors import EngineError, ModelFileError
from jspnet_core.model_file import model_path
from jspnet_core.pipeline.load import load_segmenter
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import FrameSettings
from jspnet_ros.node.diagnostics import NodeState, diagnostics
from jspnet_ros.node.frame_memory import pose_source
from jspnet_ros.node.gravity_source import GravitySource, Tf2MissingError
from jspnet_ros.node.labeller import CloudLabeller
from jspnet_ros.node.lifecycle import answer_impossible_transitions, logged, return_memory
from jspnet_ros.node.parameters import AT_CONFIGURE, NodeSettings, SettingError, declare, read, unknown_names
from jspnet_ros.node.session import Session
from jspnet_ros.node.statistics import FrameStatistics, Snapshot
from jspnet_ros.node.topics import DIAGNOSTICS
from jspnet_ros.node.warm_up import warm_up

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class SegmentNode(LifecycleNode):
    """`jspnet_segmenter`. Raises `SettingError` or rclpy's `ParameterException` for parameters that are refused.

    on_give_up: called, in the executor's thread, where the node cannot go on and parameter `exit_on_failure` is true.
    """

    def __init__(self, on_give_up: Callable[[], None] = lambda: None) -> None:
        super().__init__("jspnet_segmenter")
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

        self._on_give_up = on_give_up
        self._statistics, self._before = FrameStatistics(), Snapshot()
        self._problem = ""
        self._labeller: CloudLabeller | None = None  # from configuration to clean-up
        self._session: Session | None = None  # while active
        self._diagnostics = self.create_publisher(
            DIAGNOSTICS.message,
            DIAGNOSTICS.name,
            1,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._failure = self.create_guard_condition(self._after_failure)
        self.create_timer(1.0, self._every_second, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def start(self) -> None:
        """Configure and activate."""
        if self.trigger_configure() == SUCCESS:
            self.trigger_activate()
        elif read(self, NodeSettings).exit_on_failure:
            self._on_give_up()

    def close(self) -> None:
        """Stop labelling and free the engine, in whatever state the node is."""
        try:
            self._stop()
        finally:
            self._unload()

    def build(self) -> bool:
        """Build the engine unless it is built. Returns whether it is available; the log gives the reason if not."""
        settings = read(self, NodeSettings)
        try:
            build_ahead(settings.engine, model_path(settings.model or None))
        except (ModelFileError, EngineError) as error:
            self.get_logger().error(f"the engine is not built: {error}")
            return False
        return True

    # Lifecycle

    @logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        settings = read(self, NodeSettings)
        try:
            self._labeller = self._load(settings)
        except (ModelFileError, EngineError, SettingError, Tf2MissingError) as error:
            self._problem = f"cannot be configured: {error}"
            self.get_logger().error(self._problem)
            return FAILURE
        self._problem = ""
        engine = self._labeller.about_engine or settings.engine
        self.get_logger().info(f"model {self._labeller.model_name} loaded into {engine}")
        return super().on_configure(state)

    @logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        assert self._labeller is not None
        result = super().on_activate(state)
        self._problem = ""
        self._labeller.outputs.publish_classes()
        self._session = Session(self, self._labeller, self._statistics, self._failure.trigger)
        self.get_logger().info(f"labelling {self._session.topic} ({self._session.quality})")
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
        self._problem = "a transition failed, see the log"
        self._stop()
        self._unload()
        return SUCCESS

    # Private

    def _load(self, settings: NodeSettings) -> CloudLabeller:
        """Load and warm up everything that takes long."""
        if settings.target_frame and settings.sensor_pose.strip():
            raise SettingError("target_frame and sensor_pose both give the gravity frame: set one of them")
        with ExitStack() as opened:
            gravity = GravitySource(self, settings)
            opened.callback(gravity.close)
            poses = gravity
            if settings.memory:
                poses = pose_source(self, settings, gravity)
                if poses is not gravity:
                    opened.callback(poses.close)
            labeller = CloudLabeller(self, partial(self._load_segmenter, settings), gravity, self._statistics)
            opened.pop_all()
        labeller.scale = settings.scale
        if settings.memory:
            try:
                labeller.remember(settings, poses)
            except BaseException:
                labeller.close()
                raise
        return labeller

    def _load_segmenter(self, settings: NodeSettings) -> Segmenter:
        segmenter = load_segmenter(settings.model or None, settings.engine, self._settings)
        try:
            warm_up(segmenter)
        except BaseException:
            segmenter.close()
            raise
        return segmenter

    def _stop(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.stop()

    def _unload(self) -> None:
        if self._labeller is not None:
            self._labeller.close()
            self._labeller = None
            return_memory()

    def _every_second(self) -> None:
        if self._session is not None:
            self._session.check()
        now = self._publish_diagnostics()
        self._before = now

    def _after_failure(self) -> None:
        """Report a failed frame at once, and deactivate the node where it should not go on."""
        if self._session is not None and self._session.verdict:
            self._problem = f"deactivated: {self._session.verdict}"
            self.get_logger().error(self._problem)
            self.trigger_deactivate()
            if read(self, NodeSettings).exit_on_failure:
                self._on_give_up()
        self._publish_diagnostics()

    def _publish_diagnostics(self) -> Snapshot:
        now = self._statistics.snapshot()
        self._diagnostics.publish(diagnostics(self.get_clock().now().to_msg(), self._state(), now, self._before))
        return now

    def _state(self) -> NodeState:
        settings, session = read(self, NodeSettings), self._session
        about: dict[str, str] = {"engine": settings.engine}
        if self._labeller is not None:
            about["model"] = self._labeller.model_name
            if self._labeller.memory is not None:
                about["memory"] = self._labeller.memory.about()
        if session is not None:
            about["input"] = f"{session.topic} ({session.quality})"
        return NodeState(
            name=self.get_fully_qualified_name(),
            active=session is not None,
            problem=self._problem,
            topic="" if session is None else session.topic,
            slow_frame_ms=settings.slow_frame_ms,
            silence_warn_s=settings.silence_warn,
            silence_error_s=settings.silence_error,
            clock_missing=self.get_parameter("use_sim_time").value and self.get_clock().now().nanoseconds == 0,
            about=about,
        )

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
            self._labeller.scale = read(self, NodeSettings).scale
