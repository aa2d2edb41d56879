"""Tracing of a process: OpenTelemetry's SDK, its exporter and Temporal's plugin. Loaded only when tracing is on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider

if TYPE_CHECKING:
    from services.settings import Settings

#: Attributes that leave the process. Others, such as the path and the query of a request, may name a person.
EXPORTED = frozenset(
    {
        "db.query.summary",
        "db.query.text",
        "db.system.name",
        "error.type",
        "exception.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "server.address",
        "temporalActivityID",
        "temporalRunID",
        "temporalUpdateID",
        "temporalWorkflowID",
        "url.scheme",
        "url.template",
    }
)
# Workflows that run for ever and do nothing for one order: each of their rounds would be part of one endless trace.
_BACKGROUND = ("PeriodicWorkflow", "OutboxRelayWorkflow", "NotificationDispatchWorkflow")
#: Seconds for one export, and for the last one at the end of the process.
_EXPORT_TIMEOUT = 3


def set_up(settings: Settings, program: str) -> OpenTelemetryPlugin:
    """Export spans to OTEL_EXPORTER_OTLP_ENDPOINT from now on; the plugin is for the Temporal client.

    `program` names the process where OTEL_SERVICE_NAME does not. A second call changes nothing.
    """
    resource = Resource.create({"service.name": settings.otel_service_name or f"marketplace-{program}"})
    provider = create_tracer_provider(sampler=_Roots(_sampler(settings)), resource=resource)
    endpoint = f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_TIMEOUT)
    provider.add_span_processor(BatchSpanProcessor(_WithoutValues(exporter)))
    trace.set_tracer_provider(provider)
    # A `traceparent` that a client sends is not continued: it could choose the trace of somebody else's order.
    propagate.set_global_textmap(_Nothing())
    return OpenTelemetryPlugin(add_temporal_spans=True)


def _sampler(settings: Settings) -> Sampler:
    name = settings.otel_traces_sampler
    ratio = settings.otel_traces_sampler_arg
    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(ratio),
    }
    root = roots[name.removeprefix("parentbased_")]
    return ParentBased(root) if name.startswith("parentbased_") else root


class _Nothing(TextMapPropagator):
    """Takes no trace from a request, and gives none to one."""

    def extract(self, *_: object, **__: object) -> Context:
        """An empty context."""
        return Context()

    def inject(self, *_: object, **__: object) -> None:
        """Add nothing."""

    @property
    def fields(self) -> set[str]:
        """No headers."""
        return set()


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


class _WithoutValues(SpanExporter):
    """Exports spans without texts of exceptions, and with the attributes of `EXPORTED` only."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans."""
        return self._exporter.export([*map(_without_values, spans)])

    def shutdown(self) -> None:
        """Close the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what waits."""
        return self._exporter.force_flush(timeout_millis)


def _without_values(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_exported(span.attributes),
        events=[Event(event.name, _exported(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _exported(attributes: Attributes) -> Attributes:
    return {name: value for name, value in (attributes or {}).items() if name in EXPORTED}
