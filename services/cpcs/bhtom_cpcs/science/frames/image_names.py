"""Which of a camera's images a plane is: chips of a mosaic are different detectors."""

from bhtom_cpcs.science.frames.header_cards import first_text
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.images_in_files import (
    LONGEST_IMAGE_NAME,
    image_in_file,
    is_alone,
)

# What chips of a mosaic that come as files of their own are told apart by.
_CHIP_CARDS = ("CCDNUM", "CCDID", "CCD_ID", "CHIPID", "CHIP_ID", "CCDNAME", "IMAGEID")


def image_name(plane: Plane, number: int, count: int) -> str:
    """A name that the same chip has in every file of the camera.

    Its place and name in a file of several images; the card of a chip that comes
    alone, else nothing. Planes of one image's colours have the same name.

    Parameters
    ----------
    number, count : of the plane in its file, from zero, and of all planes there
    """
    if is_alone(count, has_colour=plane.colour is not None):
        chip = first_text(plane.header, _CHIP_CARDS)
        return "" if chip is None else f"chip {chip}"[:LONGEST_IMAGE_NAME]
    return image_in_file(number, plane.name, has_colour=plane.colour is not None)
