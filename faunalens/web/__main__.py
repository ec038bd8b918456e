"""Serve the application over HTTP: `python -m faunalens.web`. With `corrections`, list what people corrected."""

import argparse
import gc
import os
import sys
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from chalicelib.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.application import Application
    from chalicelib.config.settings import ModelSettings
    from chalicelib.services import Services

EPILOG = """Settings are environment variables, which docs/reference/settings.md describes. HTTP_HOSTS lists the host
names to serve. SIGTERM or Ctrl-C stops the server after it has finished the running requests."""


def main() -> int:
    """Serve the application on the given host and port, or run the command. Return the exit code."""
    description = "Serve the application over HTTP, with the database at DATABASE_URL and the cache at REDIS_URL."
    parser = argparse.ArgumentParser(prog="python -m faunalens.web", description=description, epilog=EPILOG)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="port to listen on (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands in place of serving")
    listing = commands.add_parser(
        "corrections",
        help="list the answers that people called wrong",
        description="List the answers that people called wrong as CSV, the latest first, from RESULTS_FOLDER or "
        "RESULTS_BUCKET. Example: RESULTS_BUCKET=… python -m faunalens.web corrections > corrections.csv",
    )
    text = "also save the photos of the listed results in FOLDER; `python -m model evaluate --corrections` reads them"
    listing.add_argument("--pictures", type=Path, metavar="FOLDER", help=text)
    arguments = parser.parse_args()
    if arguments.command == "corrections":
        from faunalens.web.results.results import list_corrections

        return list_corrections(pictures=arguments.pictures)
    try:
        application = build_application()
    except SettingError as error:
        print(f"the server cannot start: {error}", file=sys.stderr)
        return 1
    from faunalens.web.server import serve

    return serve(application, arguments.host, arguments.port, announce=True)


def build_application() -> "Application":
    """Return the application that app.py connects to Lambda; here, Chalice is not needed. Raises `SettingError`."""
    began = perf_counter()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in app.py, before anything imports numpy
    import logging

    from chalicelib.application import Application
    from chalicelib.config.settings import Settings
    from chalicelib.telemetry import logs
    from chalicelib.telemetry.record import ColdStart

    settings = Settings.from_environment(os.environ)
    log, of_server = logging.getLogger("faunalens"), logging.getLogger("uvicorn.error")
    log.setLevel(settings.telemetry.log_level)
    of_server.setLevel(logging.ERROR)  # below it are invalid requests, which we log ourselves
    context = {"function": settings.deployment.function, "stage": settings.deployment.stage}
    for each in (log, of_server):
        logs.configure(each, settings.telemetry.log_format, context)
    cold_start = ColdStart(began)
    cold_start.mark_imported()
    gc.freeze()  # these objects live as long as the process; exclude them from collection
    return Application(settings, log, cold_start, settings.candidate(os.environ), engine_of(settings.model))


def engine_of(model: "ModelSettings") -> "Callable[[Services], Services]":
    """Return a function that replaces our models by those of `ENGINE`. Raises `SettingError` if it cannot get them."""
    if model.engine == "local":
        return lambda services: services
    try:
        from faunalens.engines.choice import LOADING, change_to  # a container of the tier has our models alone
        from faunalens.errors import CommandError
    except ImportError as error:
        raise SettingError(
            f"ENGINE is '{model.engine}', but this image lacks it ({error}); run from a checkout"
        ) from error
    try:
        say = partial(print, file=sys.stderr, flush=True)
        say(f"{LOADING} …")
        return change_to(model.engine, model.engine_weights, say)
    except CommandError as error:
        raise SettingError(str(error)) from error


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"port '{text}' is invalid; give a number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
