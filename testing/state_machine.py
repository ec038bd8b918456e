"""The state machine of a backfill, and moto made to run it.

Moto's Distributed Map knows neither JSON lines nor batches nor the settings of a writer, and its tasks look for AWS at
the port in MOTO_PORT. Here its reader of JSON reads lines and makes batches, and the definition leaves out the rest.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched
from typing import Any
from unittest.mock import patch

from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_output_transformer import (
    transformer_json,
)

from testing.aws import ACCOUNT, REGION, Account
from testing.cloudformation import in_account, resources

STAGE = "dev"
CONCURRENCY = "2"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/faunalens-{STAGE}-backfill"
BUCKET = f"faunalens-{STAGE}-photos-{ACCOUNT}"
FUNCTION = f"faunalens-{STAGE}-batch"


def definition() -> dict[str, Any]:
    """Return the definition as CloudFormation gives it to Step Functions."""
    found = resources("backfill.yaml", {"Stage": STAGE, "BackfillConcurrency": CONCURRENCY})
    text = in_account(found["Backfill"]["Properties"]["DefinitionString"], ACCOUNT, REGION, {})
    known: dict[str, Any] = json.loads(text)
    return known


def for_moto() -> dict[str, Any]:
    """Return the definition without what moto lacks, and without pauses before retries."""
    machine = definition()
    photos = machine["States"]["Photos"]
    batcher = photos.pop("ItemBatcher")
    photos["ItemReader"]["ReaderConfig"] = {"InputType": "JSON"}
    photos["ItemSelector"] = {"BatchInput": batcher["BatchInput"], "Items.$": "$$.Map.Item.Value.Items"}
    photos["ToleratedFailurePercentage"] = float(photos["ToleratedFailurePercentage"])
    photos["ResultWriter"].pop("WriterConfig")
    photos["ResultWriter"]["Parameters"]["Prefix.$"] = "$$.Execution.Input.batches"
    for retry in photos["ItemProcessor"]["States"]["Batch"]["Retry"]:
        retry |= {"IntervalSeconds": 1, "MaxDelaySeconds": 2}
    return machine


@contextmanager
def state_machine(account: Account, size: int) -> Iterator[None]:
    """Create the bucket, the batch function and the state machine of a stage. The test supplies the function.

    `size`: items of a batch.
    """

    def batches(_transformer: Any, env: Any) -> None:
        _settings, text = env.stack.pop(), env.stack.pop()
        env.stack.append(
            [{"Items": [json.loads(line) for line in some]} for some in batched(text.splitlines(), size, strict=False)]
        )

    with (
        patch.dict(default_user_config["stepfunctions"], {"execute_state_machine": True}),  # no reset of moto undoes it
        patch.dict(os.environ, {"MOTO_PORT": account.url.rpartition(":")[2]}),
        patch.object(transformer_json.ResourceOutputTransformerJson, "_eval_body", batches),
    ):
        where = {"LocationConstraint": REGION}
        account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        account.client("iam").create_role(RoleName=f"faunalens-{STAGE}-backfill", AssumeRolePolicyDocument="{}")
        account.client("lambda").create_function(
            FunctionName=FUNCTION, Runtime="python3.13", Role=ROLE, Handler="app.batch", Code={"ZipFile": b"code"}
        )
        account.client("stepfunctions").create_state_machine(
            name=f"faunalens-{STAGE}-backfill", definition=json.dumps(for_moto(), allow_nan=False), roleArn=ROLE
        )
        yield
