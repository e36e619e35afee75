"""The steps of a reduction, each a function of the state of a plane."""
