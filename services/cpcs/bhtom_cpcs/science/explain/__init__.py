"""What shows a person how a calibration came about."""
