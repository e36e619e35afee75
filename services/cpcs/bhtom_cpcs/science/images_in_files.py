"""Names of a file's images by the numbers of its planes; needs no pixels."""

LONGEST_IMAGE_NAME = 40
_COLOURS = "RGB"


def is_alone(count: int, *, has_colour: bool) -> bool:
    """Whether a file of so many planes holds one image."""
    return count <= (len(_COLOURS) if has_colour else 1)


def image_in_file(number: int, plane_name: str, *, has_colour: bool) -> str:
    """Place and name of one of several images, without its colour."""
    if has_colour:
        plane_name, _, colour = plane_name.rpartition(", ")
        number -= max(_COLOURS.find(colour), 0)
    return f"{number + 1} {plane_name}".strip()[:LONGEST_IMAGE_NAME]
