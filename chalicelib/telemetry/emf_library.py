"""Import aws-embedded-metrics without its environment detection.

`import aws_embedded_metrics` imports `environment.environment_detector`, which imports aiohttp to ask the EC2
metadata service whether the process runs on EC2. Faunalens needs only the context and the serializer, never the
detection: its lines go to standard output or to a file. So an empty module replaces the detector.

The import takes 7 ms of a cold start instead of 78 ms (docs/explanation/results.md), and the package is 3.15 MB
smaller, because infra/package/exclusions.toml excludes aiohttp.

If a new release moves the detector or imports other names from it, the import fails on Lambda, where aiohttp is
missing. Before that, tests/unit/chalicelib/telemetry/test_emf_library.py fails; then adapt `_DETECTOR` and `_NAMES`.
"""

import sys
from types import ModuleType
from typing import Any

_DETECTOR = "aws_embedded_metrics.environment.environment_detector"
_NAMES = ("resolve_environment", "resolve_environment_sync")
"""The names that the library imports from the detector."""


def context_and_serializer() -> tuple[Any, Any]:
    """Return the classes `MetricsContext` and `LogSerializer`; import the library at the first call."""
    if _DETECTOR not in sys.modules:
        stub = ModuleType(_DETECTOR)
        stub.__dict__.update(dict.fromkeys(_NAMES))
        sys.modules[_DETECTOR] = stub
    from aws_embedded_metrics.logger.metrics_context import MetricsContext
    from aws_embedded_metrics.serializers.log_serializer import LogSerializer

    return MetricsContext, LogSerializer
