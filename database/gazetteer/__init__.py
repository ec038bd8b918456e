"""Make the list of places that the page searches by name, from GeoNames, Natural Earth and a list of parks of our own."""
