"""A local page on which a person confirms or corrects the answers of a study."""
