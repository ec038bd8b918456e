"""Where each taxon lives: parsing, compiling and checking ranges."""
