"""Calculate the AWS bill of a month."""

import argparse

from infra.cost import MONTHS, at_most, bill, current_prices, month_like


def main() -> None:
    """Print the bill of each month given, or of each month in `MONTHS`."""
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description="Print the bill of a month, in USD.")
    counts = "identifications in the month, such as 250000 (default: the months of docs/explanation/cost.md)"
    parser.add_argument("identifications", type=float, nargs="*", help=counts)
    wanted: list[float] = parser.parse_args().identifications
    if min(wanted, default=0.0) < 0:
        parser.error("a month has no negative number of identifications")
    prices = current_prices()
    for month in [month_like(count) for count in wanted] or MONTHS:
        least, most = bill(month, prices), bill(at_most(month), prices)
        print(f"\n{month.identifications:,.0f} identifications: {_range(sum(least.values()), sum(most.values()))} USD")
        for name, dollars in least.items():
            print(f"  {name:<28} {_range(dollars, most[name]):>20}")


def _range(least: float, most: float) -> str:
    return f"{least:,.2f}" if most == least else f"{least:,.2f} to {most:,.2f}"


if __name__ == "__main__":
    main()
