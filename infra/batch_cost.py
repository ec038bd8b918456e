"""Calculate what a million photos cost, of the stream and of a backfill. docs/explanation/cost.md shows the results."""

from infra.cost import ASSUMPTIONS, Prices

MILLION = 1e6
BATCH = 10  # messages of a batch, in infra/stream.yaml
BACKFILL_BATCH = 100  # photos of a batch, in infra/backfill.yaml
CALLS = 2  # of SQS for a batch: to receive it, and to delete it

_A = {name: each.value for name, each in ASSUMPTIONS.items()}


def photo_ms(identification_ms: float) -> float:
    """Return the billed milliseconds of a photo. `identification_ms`: those of an identification alone.

    The next photos are fetched meanwhile, so what remains is to wait for the line.
    """
    return identification_ms + _A["line_ms"]


def million_bill(milliseconds: float, memory: int, prices: Prices) -> dict[str, float]:
    """Return the cost of each item of a million photos, in US dollars. `milliseconds`: of a photo, with `memory` MB."""
    seconds = MILLION * milliseconds / 1e3
    return {
        "Lambda": seconds * memory / 1024 * prices["lambda_gb_second"] + prices["lambda_million_requests"] / BATCH,
        "S3, two writes and a read a photo": MILLION
        / 1e3
        * (2 * prices["s3_thousand_puts"] + prices["s3_thousand_gets"]),
        "SQS": (1 + CALLS / BATCH) * prices["sqs_million_requests"],
        "logs": MILLION * _A["batch_log_kb"] / 1e6 * prices["logs_gb"],
    }


def backfill_bill(
    milliseconds: float, memory: int, prices: Prices, calls: float = MILLION / BACKFILL_BATCH
) -> dict[str, float]:
    """Return the same for a backfill, which has Step Functions in place of SQS. `calls`: of the function."""
    bill = million_bill(milliseconds, memory, prices)
    del bill["SQS"]
    bill["Lambda"] += (calls - MILLION / BATCH) / 1e6 * prices["lambda_million_requests"]
    steps = MILLION / BACKFILL_BATCH * _A["batch_transitions"]
    return {**bill, "Step Functions": steps / 1e6 * prices["step_million_transitions"]}


def storage_month(prices: Prices) -> float:
    """Return the cost of keeping a million photos for a month, in US dollars."""
    return MILLION * _A["batch_photo_mb"] / 1e3 * prices["s3_gb_month"]


def hours(milliseconds: float, containers: int) -> float:
    """Return the hours that a million photos take."""
    return MILLION * milliseconds / 1e3 / containers / 3600
