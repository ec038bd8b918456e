"""The functions of CloudWatch's metric math: parameters, result, and whether the preview evaluates them.

Source: "Using metric math" in the CloudWatch user guide, section "Functions supported for metric math". Types are its
abbreviations: `S` is a number, `TS` one time series, `TS[]` an array of them. Besides, `text` is a quoted string, and
keywords in capitals (`REPEAT`, `DESC`) stand for themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

TYPES = frozenset({"S", "TS", "TS[]", "text"})


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `parameters` lists the types that each argument may have; the first `required` are mandatory.

    `most` is the highest number of arguments, None if there is no limit. `returns` is `S`, `TS`, `TS[]`, `same`
    (as the first argument), or `folded`: `S` for one series, `TS` for an array.
    """

    name: str
    parameters: tuple[tuple[str, ...], ...]
    required: int
    most: int | None
    returns: str
    evaluated: bool
    signature: str

    @property
    def keywords(self) -> frozenset[str]:
        """The keywords in capitals that the function accepts."""
        return frozenset(each for types in self.parameters for each in types) - TYPES


def _function(name: str, parameters: str, returns: str, *, evaluated: bool = True) -> Function:
    """Parse `TS|TS[], S?`: `|` separates alternatives, `?` marks the optional, `…` allows any number more."""
    places = [place for place in parameters.split(", ") if place]
    unlimited = places[-1:] == ["…"]
    places = places[: len(places) - unlimited]
    return Function(
        name=name,
        parameters=tuple(tuple(place.removesuffix("?").split("|")) for place in places),
        required=sum(not place.endswith("?") for place in places),
        most=None if unlimited else len(places),
        returns=returns,
        evaluated=evaluated,
        signature=f"{name}({parameters})",
    )


_ALL = (
    _function("ABS", "TS|TS[]", "same"),
    _function("ANOMALY_DETECTION_BAND", "TS, S?", "TS[]", evaluated=False),
    _function("AVG", "TS|TS[]", "folded"),
    _function("CEIL", "TS|TS[]", "same"),
    _function("DATAPOINT_COUNT", "TS|TS[]", "folded"),
    _function("DATE", "TS", "TS"),
    _function("DAY", "TS", "TS"),
    _function("DB_PERF_INSIGHTS", "text, text, text|TS[]", "TS[]", evaluated=False),
    _function("DIFF", "TS|TS[]", "same"),
    _function("DIFF_TIME", "TS|TS[]", "same"),
    _function("EPOCH", "TS", "TS"),
    _function("FILL", "TS|TS[], S|TS|REPEAT|LINEAR", "same"),
    _function("FIRST", "TS[]", "TS"),
    _function("FLOOR", "TS|TS[]", "same"),
    _function("HOUR", "TS", "TS"),
    _function("IF", "S|TS, S|TS, S|TS?", "TS"),
    _function("INSIGHT_RULE_METRIC", "text, text", "TS", evaluated=False),
    _function("LAMBDA", "text, …", "TS[]", evaluated=False),
    _function("LAST", "TS[]", "TS"),
    _function("LOG", "TS|TS[]", "same"),
    _function("LOG10", "TS|TS[]", "same"),
    _function("MAX", "TS|TS[]", "folded"),
    _function("METRICS", "text?", "TS[]"),
    _function("METRIC_COUNT", "TS[]", "S"),
    _function("MIN", "TS|TS[]", "folded"),
    _function("MINUTE", "TS", "TS"),
    _function("MONTH", "TS", "TS"),
    _function("PERIOD", "TS", "S"),
    _function("RATE", "TS|TS[]", "same"),
    _function("REMOVE_EMPTY", "TS[]", "TS[]"),
    _function("RUNNING_SUM", "TS|TS[]", "same"),
    _function("SEARCH", "text, text, S?", "TS[]"),
    _function("SERVICE_QUOTA", "TS", "TS", evaluated=False),
    _function("SLICE", "TS[], S, S?", "TS[]"),
    _function("SORT", "TS[], AVG|MIN|MAX|SUM, ASC|DESC, S?", "TS[]"),
    _function("STDDEV", "TS|TS[]", "folded"),
    _function("SUM", "TS|TS[]", "folded"),
    _function("TIME_SERIES", "S", "TS"),
    _function("YEAR", "TS", "TS"),
)

FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _ALL}


def nearest(name: str) -> str | None:
    """Return the most similar function name, if any."""
    return next(iter(get_close_matches(name.upper(), FUNCTIONS, n=1)), None)
