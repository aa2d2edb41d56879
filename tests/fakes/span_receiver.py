"""A collector of OpenTelemetry (OTLP over HTTP, protobuf) that keeps the spans that it gets."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True)
class ReceivedSpan:
    """A span: its ids in hexadecimal form, the process that made it, and everything that it says."""

    trace_id: str
    span_id: str
    parent_id: str
    process: str
    name: str
    kind: int
    attributes: dict[str, Any]
    links: tuple[str, ...]
    #: the whole span as text, in which tests search for values
    text: str


class _Server(ThreadingHTTPServer):
    # Every export is a connection: one that waits for the busy machine must not be dropped, with its spans.
    request_queue_size = 128


class SpanReceiver:
    """Listens on a free port of the loopback; a context manager."""

    def __init__(self) -> None:
        self._spans: list[ReceivedSpan] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """The value of OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, body: bytes) -> None:
        """Keep the spans of one request."""
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            process = _values(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    received = ReceivedSpan(
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        process,
                        span.name,
                        span.kind,
                        _values(span.attributes),
                        tuple(link.trace_id.hex() for link in span.links),
                        str(span),
                    )
                    self._spans.append(received)

    def spans(self) -> list[ReceivedSpan]:
        """All spans, in the order of their arrival."""
        return [*self._spans]

    def trace(self, trace_id: str) -> dict[str, ReceivedSpan]:
        """The spans of one trace, by their id."""
        return {span.span_id: span for span in self.spans() if span.trace_id == trace_id}


def _values(attributes: Any) -> dict[str, Any]:
    given: list[KeyValue] = list(attributes)
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in given}
