"""OpenTelemetry traces, off unless `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector; its packages are loaded only then.

A trace has a span a turn and a span a step. Attributes are the turn's random id and the channel: no text, no person, and no
message of an error, which may quote either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

ENDPOINT, TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

_tracer: Any = None


class TracingError(RuntimeError):
    """Traces are asked for and cannot be made; says what to install."""


def wanted(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether a collector is named."""
    environment = os.environ if environment is None else environment
    return any(environment.get(name, "").strip() for name in (ENDPOINT, TRACES_ENDPOINT))


def start(service: str, exporter: Any = None) -> None:
    """Begin to trace this process, if a collector is named or an exporter is given.

    Args:
        service: name of the process in the traces; `OTEL_SERVICE_NAME` wins.
        exporter: where spans go; by OTLP over HTTP to the collector if None.

    Raises:
        TracingError: The packages are not installed.
    """
    global _tracer
    if exporter is None and not wanted():
        return
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            processor: Any = BatchSpanProcessor(OTLPSpanExporter())
        else:
            processor = SimpleSpanProcessor(exporter)
    except ImportError as error:
        raise TracingError(f"{ENDPOINT} is set, but {error.name} is not installed: pip install 'milia[tracing]'") from error
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or service})
    # Not the global one: libraries that bring spans of their own would write addresses and texts into them.
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("milia")


def stop() -> None:
    """Trace no more."""
    global _tracer
    _tracer = None


@contextmanager
def span(name: str, parent: Mapping[str, str] | None = None, **attributes: str) -> Iterator[None]:
    """Make a span of the block, below the span in progress.

    Args:
        name: of the span.
        parent: headers of a request that another process made within its span.
        attributes: ids and names; never a text.
    """
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract(dict(parent)) if parent is not None else None
    named = {f"milia.{key}": value for key, value in attributes.items()}
    with _tracer.start_as_current_span(
        name, context=context, attributes=named, record_exception=False, set_status_on_exception=False
    ) as one:
        try:
            yield
        except BaseException as error:
            one.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def headers() -> dict[str, str]:
    """Return the headers that make another process's spans part of this trace."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier
