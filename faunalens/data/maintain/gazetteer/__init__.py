"""Make the lists of places that the page searches by name, from GeoNames, Natural Earth and our own list of parks."""
