"""What a production stage needs before people come: somebody who hears its alarms, and a budget."""

from collections.abc import Collection, Mapping

from infra.step import PreconditionFailed


def check(stage: str, parameters: Mapping[str, str], without: Collection[str] = ()) -> None:
    """Raise `PreconditionFailed` if a production stage lacks alarms or a budget that `without` does not name.

    A stage is a production stage if its database is protected from deletion. `parameters`: all of the stage's.
    """
    missing = [each for each in missing_from(parameters) if each not in without]
    if missing:
        parameter = {"alarms": '"AlarmEmail": "you@example.org"', "budget": '"BudgetDollars": "200"'}
        raise PreconditionFailed(
            f"stage {stage} is for production, but has no {' and no '.join(missing)}: write "
            f"{' and '.join(parameter[each] for each in missing)} into infra/stages/{stage}.json, or go on without, "
            f"with {' '.join(f'--without-{each}' for each in missing)}"
        )


def missing_from(parameters: Mapping[str, str]) -> list[str]:
    """Return what a production stage with these parameters lacks: `alarms`, `budget`, both or nothing."""
    if parameters["DatabaseProtected"] != "true":
        return []
    alarms = ["alarms"] if not parameters["AlarmEmail"] else []
    return [*alarms, *(["budget"] if float(parameters["BudgetDollars"]) == 0 else [])]
