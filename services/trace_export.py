"""Export of spans: OpenTelemetry's SDK with an exporter that lets no value of a person out. Loaded when tracing is on.

Processes with a Temporal client begin by `workflows/tracing.py`, those without one by `set_up`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import Attributes

from services import tracing

if TYPE_CHECKING:
    from services.setting_groups.general import TracingSettings

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
#: Seconds for one export, and for the last one at the end of the process.
_EXPORT_TIMEOUT = 3


def set_up(settings: TracingSettings, program: str) -> None:
    """Export the spans of a process without a Temporal client from now on; `program` as in `resource`."""
    provider = TracerProvider(sampler=sampler(settings), resource=resource(settings, program))
    provider.add_span_processor(processor(settings))
    begin(provider)


def begin(provider: trace.TracerProvider) -> None:
    """Have all spans of the process made by this provider. A second call changes nothing."""
    trace.set_tracer_provider(provider)
    # A `traceparent` that a client sends is not continued: it could choose the trace of somebody else's order.
    propagate.set_global_textmap(_Accepted())


def resource(settings: TracingSettings, program: str) -> Resource:
    """What names the process in traces: `program`, unless OTEL_SERVICE_NAME does."""
    return Resource.create({"service.name": settings.otel_service_name or f"marketplace-{program}"})


def sampler(settings: TracingSettings) -> Sampler:
    """What decides which traces are recorded."""
    name = settings.otel_traces_sampler
    ratio = settings.otel_traces_sampler_arg
    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(ratio),
    }
    root = roots[name.removeprefix("parentbased_")]
    return ParentBased(root) if name.startswith("parentbased_") else root


def processor(settings: TracingSettings) -> SpanProcessor:
    """What sends spans to OTEL_EXPORTER_OTLP_ENDPOINT, in batches."""
    endpoint = f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}/v1/traces"
    return BatchSpanProcessor(_WithoutValues(OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_TIMEOUT)))


class _Accepted(TextMapPropagator):
    """Takes from a request the trace that was accepted for it, whatever its headers are, and gives none to one."""

    def extract(self, *_: object, **__: object) -> Context:
        """The context of the accepted trace, or an empty one."""
        return tracing.accepted()

    def inject(self, *_: object, **__: object) -> None:
        """Add nothing."""

    @property
    def fields(self) -> set[str]:
        """No headers."""
        return set()


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
