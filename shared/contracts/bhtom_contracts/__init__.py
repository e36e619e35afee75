"""Events, units, flags and passbands of BHTOM."""
