"""Run commands against an account that exists only in their own processes, and print every call that they make.

The commands are the real ones: `infra` and `chalice deploy`. Each is a Python process that finds
the module `sitecustomize` of `hook`, which lets botocore ask here for every answer instead of AWS.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.recorded_call import recorded_call

REGION = "us-east-1"  # of a rehearsal without a region; the prices in dashboards/prices.csv are of this one

_MEMORY = "REHEARSAL_MEMORY"  # environment variable with the file in which the processes remember what they created

_REFUSED = "http://127.0.0.1:9"  # nothing listens on the port of `discard`, so no call can leave the machine


def hook(folder: Path, kind: str) -> None:
    """Write the module that Python imports at its start. `kind`: `record`, or `rehearse` to answer the calls too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(f"from infra.rehearsal import {kind}\n{kind}()\n", encoding="utf-8")


def environment(checkout: Path, hooks: Path, region: str) -> Mapping[str, str]:
    """Return the environment of a command that is rehearsed: without the user's AWS account."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return ours | {
        "PYTHONPATH": f"{checkout}{os.pathsep}{hooks}",
        _MEMORY: str(hooks / "created"),
        "AWS_ENDPOINT_URL": _REFUSED,
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": region,
    }


def record() -> None:
    """Print every call that this process makes."""
    import botocore

    botocore.register_initializer(lambda session: session.register("before-parameter-build", _print))


def rehearse() -> None:
    """Print every call that this process makes, and answer it as an empty account would."""
    import botocore

    from infra.empty_account import EmptyAccount

    account = EmptyAccount(Path(os.environ[_MEMORY]))

    def initialize(session: Any) -> None:
        session.register("before-parameter-build", _print)
        session.register("before-parameter-build", _remember)
        session.register("before-call", lambda model, context, **_: account.response(model, context["parameters"]))

    botocore.register_initializer(initialize)


def _print(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    # `before-parameter-build` comes after the hook by which packages go to S3 instead of into the call.
    call = recorded_call(model.service_model.service_name, model.name, params)
    print(call.line(), flush=True, file=sys.stdout)


def _remember(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["parameters"] = params  # `before-call` gets them only as an HTTP request
