"""Headers that tell clients about rate limits (draft-ietf-httpapi-ratelimit-headers), and the API key of the page.

`RateLimit-Policy` names the limits of a route. `RateLimit` says what is left of a limit; a refusal has it if that is
known. API Gateway tells nobody how much is left, so its answers have no `RateLimit`.
"""

from collections.abc import Iterable

from chalicelib.config.rate_limits import RateLimit

POLICY_HEADER, LEFT_HEADER = "RateLimit-Policy", "RateLimit"
KEY_HEADER = "x-api-key"

_OF_A_KEY = "key"
"""Begin of the names of limits that hold for each API key but the page's."""


def policy(limits: Iterable[RateLimit], path: str, *, of_page: bool = False) -> dict[str, str]:
    """Return the header with the limits of a route, or nothing if there are none.

    `of_page`: the request has the page's own API key, which has other limits than the keys of clients.
    """
    items = [
        f'"{each.name}";q={each.quota};w={each.seconds}'
        for each in limits
        if each.path in ("*", path) and not (of_page and each.name.startswith(_OF_A_KEY))
    ]
    return {POLICY_HEADER: ", ".join(items)} if items else {}


def page_key(stage: str, api_id: str) -> str:
    """Return the API key of the page: 20 characters or more, letters and digits only, as API Gateway demands.

    Everyone can read this key in the page, so it protects nothing. It only gives the page its own limits. Both parts
    are public too: they are in the address of the API. infra/edge.yaml creates the key.
    """
    return f"faunalens{stage}page{api_id}"
