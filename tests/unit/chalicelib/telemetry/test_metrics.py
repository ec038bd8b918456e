"""The registry of metrics: within CloudWatch's limits and within its budget."""

from chalicelib.application import ROUTES
from chalicelib.errors import AccessError, TaxonError, TransportError, http_errors
from chalicelib.model.naming import WIDEST
from chalicelib.model.taxonomy import RANKS
from chalicelib.telemetry.metrics import ALL_METRICS, COMMON, DIMENSIONS, METRICS, MOST, max_billed_metrics


def test_every_metric_is_within_cloudwatchs_limits_and_its_name_has_its_unit() -> None:
    assert len(METRICS) <= MOST < 100  # of one directive
    assert max_billed_metrics() <= MOST == 90
    assert {metric.unit for metric in METRICS.values()} <= {"Count", "Milliseconds", "Bytes", "None"}
    for name, metric in ALL_METRICS.items():
        assert (metric.unit == "Milliseconds") == name.endswith("Latency"), name
        assert metric.help, name


def test_every_dimension_is_known_and_used() -> None:
    used = {dimension for metric in ALL_METRICS.values() for dimension in metric.by}
    assert used | {*COMMON, "tier"} == DIMENSIONS.keys()
    for name, dimension in DIMENSIONS.items():
        assert (name in COMMON) == (not dimension.values), name
        assert all(value.isascii() and value for value in dimension.values)
        assert len(set(dimension.values)) == len(dimension.values)


def test_dimensions_have_the_values_that_the_code_uses() -> None:
    on_lambda = [each for each in http_errors() if not issubclass(each, (AccessError, TaxonError, TransportError))]
    assert set(DIMENSIONS["code"].values) == {each.code for each in on_lambda if each.status < 500}
    assert {route.path for route in ROUTES if route.counted} == set(DIMENSIONS["route"].values)
    assert {"species", "genus"} < set(DIMENSIONS["rank"].values) - {"other", "breed"} < set(RANKS) - WIDEST
