"""Thanks that several catalogues ask for."""

from typing import Final

GAIA: Final = (
    "ESA/Gaia/DPAC. This work has made use of data from the European Space Agency "
    "(ESA) mission Gaia (https://www.cosmos.esa.int/gaia), processed by the Gaia "
    "Data Processing and Analysis Consortium (DPAC, "
    "https://www.cosmos.esa.int/web/gaia/dpac/consortium)."
)
PANSTARRS: Final = (
    "The Pan-STARRS1 Surveys (PS1) and the PS1 public science archive have been made "
    "possible by the institutions listed at https://panstarrs.stsci.edu. Chambers et "
    "al. 2016, arXiv:1612.05560."
)
TWO_MASS: Final = (
    "This publication makes use of data products from the Two Micron All Sky Survey, "
    "a joint project of the University of Massachusetts and IPAC/Caltech, funded by "
    "NASA and the NSF. Skrutskie et al. 2006, AJ 131, 1163."
)
