"""A stack's outputs as parameters of the next: what the app's stack takes, from `aws cloudformation describe-stacks`.

    aws cloudformation describe-stacks --stack-name faunalens-dev --query 'Stacks[0].Outputs' |
        python -m infra.parameters --stage dev

writes what `aws cloudformation deploy --parameter-overrides file://…` reads. Outputs that infra/extras.yaml has no
parameter for do no harm there.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from infra.environment import surroundings
from infra.limits import limits_of


def parameters(stage: str, outputs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Parameters of the app's stack. Raises `KeyError` if an output is missing, or the stage has no limits."""
    given = {each["OutputKey"]: each["OutputValue"] for each in outputs}
    surroundings(given, region="")  # names what is missing
    limits = limits_of(stage)
    return {
        **given,
        "Stage": stage,
        "RequestsPerSecond": str(limits.rate),
        "RequestsAtOnce": str(limits.burst),
    }


def main() -> int:
    """Read outputs from standard input, write parameters to standard output."""
    parser = argparse.ArgumentParser(prog="python -m infra.parameters", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", required=True, help="dev, prod, or what infra/stages has")
    stage: str = parser.parse_args().stage
    try:
        found = parameters(stage, json.load(sys.stdin) or [])
    except KeyError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 1
    json.dump({"Parameters": found}, sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
