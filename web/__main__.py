"""Serve the application over HTTP: `python -m web --port 8000`."""

import argparse
import sys

from chalicelib.errors import ModelError, SettingError


def main() -> int:
    """Load the model, then serve until SIGTERM or SIGINT. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m web", description="Serve the application over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    arguments = parser.parse_args()

    import app
    from web.asgi import Asgi
    from web.server import build_server
    from web.settings import WebSettings

    try:
        settings = WebSettings.from_environment()
        app.application.services()
    except (ModelError, SettingError) as error:
        print(f"the server cannot start: {error}", file=sys.stderr)
        return 1
    asgi = Asgi(app.application, settings, log=_log)
    build_server(asgi, arguments.host, arguments.port, settings).run()
    return 0


def _log(method: str, route: str, status: int, seconds: float) -> None:
    """One line per request; without its query, which may hold coordinates."""
    print(f"{method} {route} {status or 'gone'} {seconds * 1e3:.0f} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main())
