"""Where photos were taken: the deployment and the place of each, by its folder and its time."""

from dataclasses import dataclass
from datetime import timedelta

from cli.deployments import Deployments, corrected, deployment_at, place_of
from cli.place import Place
from cli.results import ListedPhoto, ResultsFile


@dataclass(frozen=True, slots=True)
class Where:
    """Where and when the photos of a results file were taken. `default`: the place of photos without a deployment.

    `default` and `shift` are None if the command does not say: an earlier run may have.
    """

    results: ResultsFile
    deployments: Deployments
    default: Place | None
    shift: timedelta | None

    def of(self, path: str, size: int, modified: int) -> ListedPhoto:
        """Return a photo with its deployment and its place.

        Where several deployments share a folder, it has none before its time is known. Its place is then that of the
        first, of whose cell the others mostly are.
        """
        shift = None if self.shift is None else self.shift.total_seconds()
        rows = self.deployments.at(path)
        known = self.results.clock_of(path) if len(rows) > 1 else None
        time = corrected(known[0], known[1] if shift is None else shift) if known else None
        row = deployment_at(rows, time)
        place = place_of(row or rows[0]) if rows else self.default
        return ListedPhoto(path, size, modified, row["deploymentID"] if row else None, place, shift)

    def settle(self) -> None:
        """Give photos of shared folders to their deployments. Those that are in another cell count as new."""
        if any(len(rows) > 1 for rows in self.deployments.by_folder.values()):
            rows = self.results.rows("select path, size, modified from photo where taken is not null")
            self.results.find(self.of(*row) for row in rows if len(self.deployments.at(row["path"])) > 1)
