"""The steps of `python -m infra down`: delete a stage, even if it was only partly created or deleted."""

from functools import partial

from infra.keys import Keys
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, Step

BUCKETS = {"web": ("ResultBucket", "results"), "": ("PhotoBucket", "photos"), "packages": ("PackageBucket", "packages")}
"""The bucket of a stack, by the stack's part: the output that names it, and the word for its objects in messages."""


def steps(stage: Stage) -> list[Step]:
    """Return all steps in order. Each step first checks which resources exist, so any step can be repeated."""
    web, backfill, main, packages = (partial(_delete, stage, part) for part in ("web", "backfill", "", "packages"))
    # CloudFormation waits until Lambda has freed the functions' network interfaces, which takes 20 to 45 minutes.
    return [
        Step("protection", "check that the database may be deleted", partial(_check_protection, stage)),
        Step("web", "delete the web tier and its results", web, minutes=5),
        Step("backfill", "delete the backfill", backfill, minutes=1),
        Step("keys", "delete the API keys of clients", partial(_delete_keys, stage)),
        Step("stack", "delete photos, API, database and all else", main, minutes=40),
        Step("packages", "delete the packages and their bucket", packages, minutes=1),
    ]


def _check_protection(stage: Stage, echo: Echo) -> None:
    name = f"faunalens-{stage.name}"
    pages = stage.pages("rds", "describe_db_clusters")
    mine = [each for page in pages for each in page["DBClusters"] if each["DBClusterIdentifier"] == name]
    if any(each.get("DeletionProtection") for each in mine):
        raise PreconditionFailed(
            "the database is protected from deletion; remove the protection with: "
            f"python -m infra up --stage {stage.name} --set DatabaseProtected=false --only stack"
        )
    echo("the database is not protected; a final snapshot will be kept" if mine else "there is no database")


def _delete_keys(stage: Stage, echo: Echo) -> None:
    if revoked := Keys(stage).revoke_all():
        echo(f"{revoked} API keys deleted")


def _delete(stage: Stage, part: str, echo: Echo) -> None:
    # Before each attempt: until functions and tasks are gone, new photos and results can come into the bucket.
    stage.stack(part).delete(echo, partial(_empty, stage, part, echo))


def _empty(stage: Stage, part: str, echo: Echo) -> None:
    """Empty the bucket of a stack, if it has one."""
    if part not in BUCKETS:
        return
    output, content = BUCKETS[part]
    if not (bucket := stage.stack(part).outputs.get(output)):
        echo(f"there is no bucket of {content}")
        return
    s3 = stage.session.resource("s3", region_name=stage.region)
    try:
        batches = s3.Bucket(bucket).objects.delete()
    except s3.meta.client.exceptions.NoSuchBucket:
        echo(f"the bucket of {content} is already gone")
        return
    for failed in (each for batch in batches for each in batch.get("Errors", [])):
        raise PreconditionFailed(f"{failed['Key']} could not be deleted: {failed.get('Message')}; try again")
    echo(f"{content} deleted: {sum(len(batch['Deleted']) for batch in batches)}")
