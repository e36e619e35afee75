"""Headers as a whole: damaged cards left out, primary and extension merged."""

import re

from astropy.io import fits

_WCS_CARDS = re.compile(
    r"^(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)\d$|^(CD|PC|PV|A|B|AP|BP|WAT)\d?_|"
    r"^(EQUINOX|RADESYS|RADECSYS|LONPOLE|LATPOLE|WCSAXES)$"
)
_OF_THE_ARRAY = ("SIMPLE", "BITPIX", "EXTEND", "BSCALE", "BZERO", "CHECKSUM", "DATASUM")


def without_damaged_cards(header: fits.Header) -> tuple[fits.Header, tuple[str, ...]]:
    """Copy a header without the cards that cannot be parsed, and name those."""
    copy = header.copy()
    damaged = []
    for index in range(len(copy.cards) - 1, -1, -1):
        card = copy.cards[index]
        try:
            _ = card.value, card.comment
        except (fits.VerifyError, ValueError):
            damaged.append(card.keyword)
            del copy[index]
    return copy, tuple(damaged)


def merged(primary: fits.Header, extension: fits.Header) -> fits.Header:
    """Give the extension's cards and, behind them, the primary's."""
    both = extension.copy()
    own_wcs = "CTYPE1" in extension
    for card in primary.cards:
        keyword = card.keyword
        if not keyword or keyword in ("COMMENT", "HISTORY"):
            continue
        if keyword.startswith("NAXIS") or keyword in _OF_THE_ARRAY or keyword in both:
            continue
        if own_wcs and _WCS_CARDS.match(keyword):
            continue  # two half solutions make a wrong one
        both.append(card, end=True)
    return both
