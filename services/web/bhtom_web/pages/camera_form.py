"""The forms of observatories and cameras, and their values as core takes them."""

import re
from typing import Any, Final

from bhtom_web.forms import Form, parse_number
from bhtom_web.services import Json

_CAMERA_NUMBERS: Final = {
    "gain": "1.25",
    "readout_noise": "5.0",
    "saturation_level": "60000",
    "pixel_scale": "1.24",
    "binning": "1",
}
KEYWORDS: Final = {
    "date_keyword": "DATE-OBS",
    "time_keyword": "TIME-OBS",
    "exposure_time_keyword": "EXPTIME",
    "filter_keyword": "FILTER",
}
_SECOND_ORDER: Final = "second_order_extinction"
_EXTINCTION: Final = re.compile(r"([^\s,;=:]{1,60})\s*[\s=:]\s*([-+−]?[\d.]{1,12})")
CAMERA_FIELDS: Final = (
    *("observatory_id", "camera_name", _SECOND_ORDER),
    *_CAMERA_NUMBERS,
    *KEYWORDS,
)
# The form writes an observatory's fields with a prefix: both have a name.
_OBSERVATORY_NUMBERS: Final = {
    "longitude": "149.0661",
    "latitude": "-31.2733",
    "altitude": "1165",
}
OBSERVATORY_FIELDS: Final = ("name", *_OBSERVATORY_NUMBERS)


def camera_values(camera: Json) -> dict[str, Any]:
    """A camera as the texts of its form."""
    values = {
        name: "" if camera.get(name) is None else str(camera[name])
        for name in CAMERA_FIELDS
    }
    declared = camera.get(_SECOND_ORDER) or ()
    texts = [f"{one['passband']} {one['value']:g}" for one in declared]
    return {**values, _SECOND_ORDER: ", ".join(texts)}


def camera_body(form: Form) -> Json:
    """What was written about a camera; an empty figure is unknown."""
    body: Json = {
        name: form.number(name, example) for name, example in _CAMERA_NUMBERS.items()
    }
    body["camera_name"] = form.text("camera_name")
    body[_SECOND_ORDER] = form.convert(_SECOND_ORDER, _extinctions)
    for name, usual in KEYWORDS.items():
        body[name] = form.text(name) or usual
    return body


def _extinctions(text: str) -> list[Json]:
    """Passbands with the change of their colour term with each air mass."""
    declared = []
    for part in re.split(r"[,;\n]", text):
        if not part.strip():
            continue
        match = _EXTINCTION.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                "Write passbands with a number each, for example GaiaSP/B 0.03."
            )
        declared.append({"passband": match[1], "value": parse_number(match[2])})
    return declared


def observatory_body(form: Form) -> Json:
    """What was written about an observatory."""
    form.require("name", "longitude", "latitude")
    body: Json = {"name": form.text("name")}
    for name, example in _OBSERVATORY_NUMBERS.items():
        value = form.number(name, example)
        body[name] = 0.0 if value is None and name == "altitude" else value
    return body
