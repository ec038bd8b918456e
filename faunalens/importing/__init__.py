"""Labels of people and predictions of other programs, read into a study and weighed against its own."""
