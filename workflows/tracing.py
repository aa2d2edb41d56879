"""Tracing of a process with a Temporal client: the export of spans and Temporal's plugin. Loaded when tracing is on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider

from services import trace_export

if TYPE_CHECKING:
    from services.settings import Settings

# Workflows that run for ever and do nothing for one order: each of their rounds would be part of one endless trace.
_BACKGROUND = ("PeriodicWorkflow", "OutboxRelayWorkflow", "NotificationDispatchWorkflow", "WebhookDispatchWorkflow")


def set_up(settings: Settings, program: str) -> OpenTelemetryPlugin:
    """Export spans to OTEL_EXPORTER_OTLP_ENDPOINT from now on; the plugin is for the Temporal client.

    `program` names the process where OTEL_SERVICE_NAME does not. A second call changes nothing.
    """
    sampler, resource = _Roots(trace_export.sampler(settings)), trace_export.resource(settings, program)
    provider = create_tracer_provider(sampler=sampler, resource=resource)
    provider.add_span_processor(trace_export.processor(settings))
    trace_export.begin(provider)
    return OpenTelemetryPlugin(add_temporal_spans=True)


class _Roots(Sampler):
    """Drops spans of background workflows, with everything below them; the rest is left to the given sampler."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Whether to record a span."""
        parent = trace.get_current_span(parent_context).get_span_context()
        background = name.partition(":")[2] in _BACKGROUND
        if not parent.trace_flags.sampled if parent.is_valid else background:
            return SamplingResult(Decision.DROP)
        return self._sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Its name in descriptions."""
        return f"Roots({self._sampler.get_description()})"
