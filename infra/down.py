"""The steps of `python -m infra down`: delete a stage, even if it was only partly created or deleted."""

from infra.keys import Keys
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, Step


class Down:
    """The steps that delete `stage`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def steps(self) -> list[Step]:
        """Return all steps in order. Each step first checks which resources exist, so any step can be repeated."""
        return [
            Step("protection", "check that the database may be deleted", self._check_protection),
            Step("web", "delete the web tier and its results", self._delete_web, minutes=5),
            Step("backfill", "delete the backfill", self._delete_backfill, minutes=1),
            Step("keys", "delete the API keys of clients", self._delete_keys),
            Step("photos", "delete the photos left in the bucket", self._empty_photos),
            Step("stack", "delete functions, API, database and all else", self._delete_stack, minutes=40),
            Step("packages", "delete the packages and their bucket", self._delete_packages, minutes=1),
        ]

    def _check_protection(self, echo: Echo) -> None:
        name = f"faunalens-{self._stage.name}"
        pages = self._stage.client("rds").get_paginator("describe_db_clusters").paginate()
        mine = [each for page in pages for each in page["DBClusters"] if each["DBClusterIdentifier"] == name]
        if any(each.get("DeletionProtection") for each in mine):
            raise PreconditionFailed(
                "the database is protected from deletion; remove the protection with: "
                f"python -m infra up --stage {self._stage.name} --set DatabaseProtected=false --only stack"
            )
        echo("the database is not protected; a final snapshot will be kept" if mine else "there is no database")

    def _delete_web(self, echo: Echo) -> None:
        stack = self._stage.stack("web")
        self._empty_bucket(stack.outputs.get("ResultBucket"), "results", echo)
        stack.delete(echo)

    def _delete_backfill(self, echo: Echo) -> None:
        self._stage.stack("backfill").delete(echo)

    def _delete_keys(self, echo: Echo) -> None:
        if revoked := Keys(self._stage).revoke_all():
            echo(f"{revoked} API keys deleted")

    def _empty_photos(self, echo: Echo) -> None:
        self._empty_bucket(self._stage.outputs.get("PhotoBucket"), "photos", echo)

    def _empty_bucket(self, bucket: str | None, content: str, echo: Echo) -> None:
        if not bucket:
            echo(f"there is no bucket of {content}")
            return
        s3 = self._stage.session.resource("s3", region_name=self._stage.region)
        try:
            batches = s3.Bucket(bucket).objects.delete()
        except s3.meta.client.exceptions.NoSuchBucket:
            echo(f"the bucket of {content} is already gone")
            return
        for failed in (each for batch in batches for each in batch.get("Errors", [])):
            raise PreconditionFailed(f"{failed['Key']} could not be deleted: {failed.get('Message')}; try again")
        echo(f"{content} deleted: {sum(len(batch['Deleted']) for batch in batches)}")

    def _delete_stack(self, echo: Echo) -> None:
        # CloudFormation waits until Lambda has freed the functions' network interfaces, which takes 20 to 45 minutes.
        self._stage.stack().delete(echo)

    def _delete_packages(self, echo: Echo) -> None:
        stack = self._stage.stack("packages")
        self._empty_bucket(stack.outputs.get("PackageBucket"), "packages", echo)
        stack.delete(echo)
