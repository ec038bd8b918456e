"""Answers on the field photos: truth, evidence, figures, and the fit of what was measured."""
