"""What Lambda's own bootstrap of Python does: the paths, then awslambdaric's loop. Lies beside it in /var/runtime.

A program of its own, started as `python -S -P bootstrap.py OPT`: without the packages of the Python that runs it.
`OPT` is where the layer is, on Lambda always /opt.
"""

import os
import sys


def main(opt: str) -> None:
    """Import from the function, its layer and the runtime, in Lambda's order; then serve until killed."""
    task = os.environ["LAMBDA_TASK_ROOT"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:0] = [task, f"{opt}/python/lib/{version}/site-packages", f"{opt}/python"]

    from awslambdaric.__main__ import main as serve

    serve([task, os.environ["_HANDLER"]])


if __name__ == "__main__":
    main(sys.argv[1])
