"""A local preview of the dashboards and alarms, from recorded or simulated metrics and without an AWS account."""
