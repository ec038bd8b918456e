"""Serve the app on this machine, with the dashboards: `python -m local.http.serve --port 8000`."""

import argparse
import sys

from local.stack.ports import HOST


def main() -> int:
    """Load the model, then serve until a signal stops the server. Return the exit code."""
    parser = argparse.ArgumentParser(description="Serve the app and its dashboards on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="port to serve on (default: 8000)")
    port: int = parser.parse_args().port

    import app
    from local.http.dashboards import Dashboards
    from web.server import serve

    metrics = app.settings.telemetry.metrics_file
    dashboards = Dashboards(metrics) if metrics else None
    try:
        return serve(app.application, HOST, port, beside=dashboards)
    finally:
        if dashboards:
            dashboards.close()


if __name__ == "__main__":
    sys.exit(main())
