"""GET requests to servers on this machine."""

from http.client import HTTPConnection, HTTPException, HTTPMessage

from local.stack.ports import HOST


def http_get(port: int, target: str, timeout: float) -> tuple[int, HTTPMessage, bytes]:
    """Request a path and query. Return status, headers and body. Raises OSError if there is no complete response."""
    connection = HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()
