"""Every setting of Faunalens, read from the environment once.

`Settings.from_environment(os.environ)` is the only reader of the environment; each field has its variable,
default, unit and meaning here, from which docs/settings.md is generated (`python -m chalicelib.settings`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalicelib.errors import SettingError

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one dependency may take; seconds.

    `connect`: opening a connection. `command`: one command or query. `total`: all of it for one request,
    retries included.

    >>> Budget(connect=0.3, command=0.15, total=0.4).command
    0.15
    """

    connect: float
    command: float
    total: float


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return Path(value)


def _positive(value: str) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError("expected a number above 0")
    return number


def _share(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError("expected a number from 0 to 1")
    return number


def _count(value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise ValueError("expected a whole number, 0 or more")
    return int(value)


def _flag(value: str) -> bool:
    flags = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    try:
        return flags[value.lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        scheme, host = urlsplit(value).scheme, urlsplit(value).hostname
        if scheme not in schemes or not (host or "host=" in value):
            raise ValueError(f"expected a URL that begins with {' or '.join(f'{name}://' for name in schemes)}")
        return value

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return value

    return parse


def setting[T](variable: str, default: T, parse: Callable[[str], T], *, unit: str = "", help: str) -> T:  # noqa: A002
    """A field of `Settings` that is read from `variable`."""
    metadata = {"variable": variable, "parse": parse, "unit": unit, "help": help}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set, with its defaults. Frozen: built once and passed down."""

    service: str = setting("SERVICE", "faunalens", _text, help="name of the service in metrics and logs")
    stage: str = setting("STAGE", "local", _text, help="stage that metrics and logs are counted under")
    log_level: str = setting(
        "LOG_LEVEL", "INFO", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), help="least level that is logged"
    )

    metrics_file: Path | None = setting(
        "METRICS_FILE", None, _path, help="file that embedded metrics are appended to; standard output if not set"
    )
    on_lambda: bool = setting(
        "AWS_LAMBDA_RUNTIME_API", False, lambda _: True, help="set by Lambda itself: get ready during initialisation"
    )

    model_path: Path = setting(
        "MODEL_PATH",
        ROOT / "model" / "faunalens.onnx",
        _path,
        help="ONNX model; `labels.csv` and `taxa.csv` lie beside it",
    )
    model_threads: int = setting("MODEL_THREADS", 0, _count, help="threads of one inference; 0 takes one a processor")

    photo_max_bytes: int = setting(
        "PHOTO_MAX_BYTES", 20_000_000, _count, unit="bytes", help="largest photo that is read"
    )
    photo_max_megapixels: float = setting(
        "PHOTO_MAX_MEGAPIXELS",
        64.0,
        _positive,
        unit="megapixels",
        help="most pixels that are decoded, checked in the photo's header",
    )

    prior_floor: float = setting(
        "PRIOR_FLOOR",
        0.02,
        _share,
        help="weight of an animal that does not live in the cell; docs/narrowing.md says how it was chosen",
    )
    animal_threshold: float = setting(
        "ANIMAL_THRESHOLD", 0.5, _share, help="least probability of an animal for a prediction"
    )
    rank_threshold: float = setting(
        "RANK_THRESHOLD", 0.7, _share, help="share of the probability that the predicted taxon holds"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read all settings; an empty variable counts as unset. Raises `SettingError` that names the variable."""
        values: dict[str, Any] = {}
        for each in fields(cls):
            variable = each.metadata["variable"]
            text = environment.get(variable, "")
            if not text:
                continue
            try:
                values[each.name] = each.metadata["parse"](text)
            except ValueError as error:
                shown = "(hidden)" if "URL" in variable else f"'{text}'"
                raise SettingError(f"setting {variable} is {shown}: {error}") from None
        return cls(**values)
