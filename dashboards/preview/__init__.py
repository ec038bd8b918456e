"""Show the dashboards and alarms locally, with recorded or simulated metrics and without an AWS account."""
