"""Spans of what a process does, by OpenTelemetry's API, which does nothing unless tracing is on (workflows/tracing.py).

Names and attributes are those of OpenTelemetry's semantic conventions. A span has no values that came from a person:
statements have placeholders, addresses have no ids and no query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_FIELD = "traceparent"
_W3C = TraceContextTextMapPropagator()
_ACCEPTED: ContextVar[str] = ContextVar("traceparent that the request may continue", default="")
_TRACER = trace.get_tracer("marketplace-orders")
_OFF: AbstractContextManager[None] = nullcontext()
# The first table that a statement writes; if it writes none, the first that it reads.
_WRITTEN = re.compile(r"\b(INSERT|UPDATE|DELETE)\s+(?:INTO\s+|FROM\s+)?([a-z_]+\.[a-z_]+)")
_READ = re.compile(r"\b(SELECT)\b.*?(?<!DISTINCT )\bFROM\s+([a-z_]+\.[a-z_]+)")
_SPACES = re.compile(r"\s+")


def trace_id() -> str | None:
    """The id of the current trace, also of one that is not sampled; None when tracing is off."""
    found = trace.get_current_span().get_span_context()
    return trace.format_trace_id(found.trace_id) if found.is_valid else None


def traceparent() -> str:
    """The current span as W3C's `traceparent`; empty when tracing is off."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(_FIELD, "")


@contextmanager
def continued(parent: str) -> Iterator[None]:
    """Make the span of a stored `traceparent` the current one; an empty or wrong one changes nothing."""
    extracted = _W3C.extract({_FIELD: parent}) if parent else context.Context()
    if not trace.get_current_span(extracted).get_span_context().is_valid:
        yield
        return
    token = context.attach(extracted)
    try:
        yield
    finally:
        context.detach(token)


def accept(parent: str) -> None:
    """Let the span of the request that is being received continue this `traceparent`; empty: it begins a trace.

    Call it for every request: one that was received on the same connection may have accepted another.
    """
    _ACCEPTED.set(parent)


def accepted() -> context.Context:
    """The context of what `accept` was given last for this request; an empty one without it."""
    parent = _ACCEPTED.get()
    return _W3C.extract({_FIELD: parent}, context.Context()) if parent else context.Context()


def link(parent: Callable[[], str]) -> None:
    """Link the current span to the span of a stored `traceparent`, which is asked for only when tracing is on."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    linked = trace.get_current_span(_W3C.extract({_FIELD: parent()})).get_span_context()
    if linked.is_valid:
        span.add_link(linked)


def statement(sql: str) -> AbstractContextManager[None]:
    """A span around a statement of the database, if it is part of a trace."""
    if not trace.get_current_span().is_recording():
        return _OFF
    summary, text = described(sql)
    attributes = {"db.system.name": "postgresql", "db.query.text": text, "db.query.summary": summary}
    return _client_span(summary, attributes)


@contextmanager
def request(method: str, host: str, template: str) -> Iterator[Callable[[int], None]]:
    """A span around a request to another system; call the result with the status of the response.

    `template` is the path without ids, such as `payments/{id}`.
    """
    attributes = {"http.request.method": method, "server.address": host, "url.template": template}
    with _client_span(f"{method} {template}", attributes):
        span = trace.get_current_span()
        yield lambda status: _answered(span, status)


@contextmanager
def _client_span(name: str, attributes: Mapping[str, Any]) -> Iterator[None]:
    # Exceptions of drivers carry values: the span has the type only.
    with _TRACER.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


def _answered(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 400:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


@lru_cache(maxsize=1024)
def described(sql: str) -> tuple[str, str]:
    """The name of a statement's span, and the statement on one line."""
    text = _SPACES.sub(" ", sql).strip()
    found = _WRITTEN.search(text) or _READ.search(text)
    return f"{found[1]} {found[2]}" if found else text.partition(" ")[0].upper(), text
