"""Open the results that the settings name."""

from chalicelib.config.budget import Budget
from chalicelib.config.settings import Settings
from web.results.results import LIFETIME, Results
from web.results.stores import BucketStore, FolderStore
from web.settings import WebSettings


def open_results(own: Settings, settings: WebSettings) -> Results | None:
    """Return the results in the bucket or the folder of the settings. None if they name neither."""
    if settings.results_bucket:
        budget = Budget(own.s3_connect, own.s3_read, own.s3_total)
        return Results(BucketStore(settings.results_bucket, own.aws_region, budget, settings.worker_count))
    if settings.results_folder:
        return Results(FolderStore(settings.results_folder, LIFETIME.total_seconds()))
    return None
