"""Tables for statistics: events, effort, activity and occupancy."""
