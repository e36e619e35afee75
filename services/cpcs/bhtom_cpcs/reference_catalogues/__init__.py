"""Local reference catalogues: releases of immutable HEALPix tiles."""
