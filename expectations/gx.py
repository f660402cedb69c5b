"""The rules as Great Expectations sees them: one metric for all, and what the classes of expectations share.

The batch is a frame of one cell that holds the masks of a structure. Every expectation asks for the same
metric, which Great Expectations resolves once per validation; the expectation then judges its own rule's mask
and returns the counts and all failing rows, and no value ever. Importing this module costs more than a second: only
``expectations.verdict`` does, when it is called.
"""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, cast

from expectations.library import import_great_expectations

import_great_expectations()  # before anything of it is imported below: see there

from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render.components import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer
from great_expectations.render.renderer_configuration import RendererConfiguration, RendererValueType
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies
from pydantic.v1 import PrivateAttr

from expectations.masks import Masks, RuleKey

if TYPE_CHECKING:
    from typing import Self

    from great_expectations.execution_engine.execution_engine import ExecutionEngine
    from great_expectations.validator.metric_configuration import MetricConfigurationID

METRIC = "cadastra.masks"
COLUMN = "masks"
_TEMPLATE = "$xpath $sentence ($rule)"
_DEMAND = MetricConfiguration(METRIC, {})
_ASKING, _SILENT = ValidationDependencies({METRIC: _DEMAND}), ValidationDependencies()
_SHOWN = ("xpath", "sentence", "rule")


class SealedMasks:
    """Carry the masks of a structure inside a frame's cell; the frame's fingerprint sees only the name."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks

    def __str__(self) -> str:
        return COLUMN


class RuleMasks(TableMetricProvider):
    """Provide the masks of all rules of the batch."""

    metric_name = METRIC

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 (the library calls it on the class)
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        **_: object,
    ) -> Masks:
        frame = execution_engine.get_domain_records(metric_domain_kwargs)
        sealed = cast("SealedMasks", frame.iat[0, 0])
        return sealed.masks


class Fixed(ExpectationConfiguration):
    """Configure an expectation that nobody changes: no need to copy either, or to make one from the other again.

    The library does so five times for each expectation of a validation, which is most of what one costs.
    """

    def __init__(self, expectation: RuleExpectation) -> None:
        """Take the expectation, whose fields are its keywords."""
        kwargs = {name: getattr(expectation, name) for name in _SHOWN}
        super().__init__(
            expectation.expectation_type, kwargs, meta=expectation.meta, severity=expectation.severity
        )
        self._expectation = expectation

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return the same."""
        return self

    def to_domain_obj(self) -> RuleExpectation:
        """Return the expectation itself."""
        return self._expectation

    def process_suite_parameters(self, *_: object, **__: object) -> None:
        """Do nothing: there are no parameters."""


class RuleExpectation(BatchExpectation, ABC):
    """Judge one rule on one xpath by its mask; the classes of ``expectations.kinds`` say what kind it is."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("rule", "xpath")
    args_keys: ClassVar[tuple[str, ...]] = ("rule", "xpath")

    rule: str
    xpath: str
    sentence: str
    _fixed: Fixed | None = PrivateAttr(default=None)
    _asks: bool = PrivateAttr(default=True)

    @property
    def configuration(self) -> Fixed:
        """Return the configuration, which is made once."""
        if self._fixed is None:
            self._fixed = Fixed(self)
        return self._fixed

    def leave_asking(self) -> None:
        """Let another expectation of the suite ask for the metric: the library makes a graph for each that does."""
        self._asks = False

    def get_validation_dependencies(
        self,
        execution_engine: ExecutionEngine[Any] | None = None,  # noqa: ARG002 (the library's signature)
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> ValidationDependencies:
        """Ask for the one metric; finding this out the inherited way takes four fifths of a validation."""
        return _ASKING if self._asks else _SILENT

    def metrics_validate(
        self,
        metrics: dict[MetricConfigurationID, Masks],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
        **_: object,
    ) -> ExpectationValidationResult:
        """Judge by what was asked for once; the inherited way asks again, and looks for formats that nobody wants."""
        said = self._validate({METRIC: metrics[_DEMAND.id]}, runtime_configuration, execution_engine)
        return ExpectationValidationResult(**said, expectation_config=self.configuration)

    def _validate(
        self,
        metrics: dict[str, Masks],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002 (the library's signature)
        execution_engine: ExecutionEngine[Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        mask = metrics[METRIC][RuleKey(self.rule, self.xpath)]
        return {
            "success": len(mask.failed) == 0,
            "result": {
                "observed_value": f"{len(mask.failed)} of {mask.applied} fail, {mask.unknown} unknown",
                "element_count": mask.applied,
                "unknown_count": mask.unknown,
                "unexpected_count": len(mask.failed),
                "unexpected_index_list": mask.failed,
            },
        }

    @classmethod
    def _prescriptive_template(
        cls, renderer_configuration: RendererConfiguration[Any]
    ) -> RendererConfiguration[Any]:
        for name in _SHOWN:
            renderer_configuration.add_param(name=name, param_type=RendererValueType.STRING)
        renderer_configuration.template_str = _TEMPLATE
        return renderer_configuration

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> list[RenderedStringTemplateContent]:
        shown = configuration or (result.expectation_config if result else None)
        if shown is None:
            raise ValueError("an expectation is rendered from its configuration or its result")
        template = {
            "template": _TEMPLATE,
            "params": {name: shown.kwargs[name] for name in _SHOWN},
            "styling": (runtime_configuration or {}).get("styling"),
        }
        return [RenderedStringTemplateContent(content_block_type="string_template", string_template=template)]
