"""A photo of a study, as exports and reports see it, and a deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cli.study.finding import Finding


@dataclass(frozen=True, slots=True)
class StudyPhoto:
    """A photo with an answer.

    `path`: below the study's folder. `time`: after the correction of the clock, with the zone of the deployment, or
    without one if nobody has said which. `timed`: whether the camera said when; else `time` is that of the file.
    """

    path: str
    deployment: str
    time: datetime
    timed: bool
    latitude: float | None
    longitude: float | None
    width: int
    height: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment. `fields`: its row of the table, by the columns of Camtrap DP; empty if there is none.

    `start` and `end`: of the table, or else of its photos. `taken`: the first and the last time of its photos, or none
    if it has no photos. `has_time_issues`: a photo lies outside, or has no time.
    """

    id: str
    latitude: float | None
    longitude: float | None
    start: datetime
    end: datetime
    taken: tuple[datetime, ...]
    has_time_issues: bool
    fields: Mapping[str, str]

    @property
    def times(self) -> tuple[datetime, ...]:
        """Return all of its times."""
        return (self.start, self.end, *self.taken)
