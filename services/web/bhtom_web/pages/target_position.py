"""A target's position in its form and on its page: fixed, on an orbit, in a table."""

from typing import Any, Final

from bhtom_web.forms import Form
from bhtom_web.services import Json

KINDS: Final = (
    ("sidereal", "A fixed place", "Stars and galaxies: coordinates, proper motion."),
    ("elements", "An orbit", "Asteroids and comets: orbital elements."),
    ("ephemeris", "An ephemeris", "Whatever moves: a table of places and times."),
)
OBSERVERS: Final = (
    ("geocentre", "The Earth's centre (give distances too)"),
    ("site", "The very site of the camera"),
)
# Label, unit, example and hint, in the rows of the form.
ELEMENT_ROWS: Final = (
    {
        "epoch_mjd": ("Epoch", "MJD, TT", "61000.0", ""),
        "eccentricity": ("Eccentricity e", "", "0.0794013", ""),
    },
    {
        "semi_major_axis": ("Semi-major axis a", "au", "2.7660512", ""),
        "perihelion_distance": (
            "Perihelion distance q", "au", "2.5464", "Instead of a; of comets always."
        ),
    },
    {
        "inclination": ("Inclination i", "°", "10.58780", ""),
        "ascending_node": ("Ascending node Ω", "°", "80.25221", ""),
        "perihelion_argument": ("Argument of perihelion ω", "°", "73.27343", ""),
    },
    {
        "mean_anomaly": ("Mean anomaly M", "°", "188.70269", ""),
        "perihelion_mjd": (
            "Time of perihelion T", "MJD, TT", "61012.53", "Instead of M."
        ),
    },
)  # fmt: skip
ELEMENTS: Final = {name: item for row in ELEMENT_ROWS for name, item in row.items()}
FIELDS: Final = (
    "position_kind", "ra", "dec", "epoch", "pm_ra", "pm_dec", "parallax",
    "position_error", "elements", *ELEMENTS, "observer", "ephemeris",
)  # fmt: skip
_ALWAYS: Final = (
    "epoch_mjd", "eccentricity", "inclination", "ascending_node", "perihelion_argument"
)  # fmt: skip
_OF_STARS: Final = {
    "epoch": "2016.0",
    "pm_ra": "-12.3",
    "pm_dec": "4.5",
    "parallax": "2.1",
}
_COLUMNS: Final = ("mjd", "ra", "dec", "distance")


def kind_of(form: Form) -> str:
    """The kind of position that the form has chosen: fixed unless it says more."""
    chosen = form.text("position_kind")
    return chosen if chosen in {kind for kind, _, _ in KINDS} else "sidereal"


def position_values(target: Json, ephemeris: Json | None) -> dict[str, str]:
    """A target's position as the texts of its form."""
    values = {"position_kind": str(target.get("position_kind") or "sidereal")}
    for name in ("ra", "dec", *_OF_STARS, "position_error"):
        values[name] = _text(target.get(name))
    elements = target.get("elements")
    if isinstance(elements, dict):
        values |= {name: _text(elements.get(name)) for name in ELEMENTS}
    if ephemeris is not None:
        values["observer"] = _text(ephemeris.get("observer"))
        values["ephemeris"] = _table(ephemeris)
    return values


def position_body(form: Form) -> Json:
    """What was written of the chosen kind, as core takes it."""
    body: Json = {"position_error": form.number("position_error", "0.5")}
    kind = kind_of(form)
    if kind == "sidereal":
        form.require("ra", "dec")
        body |= {name: form.text(name) for name in ("ra", "dec") if form.text(name)}
        for name, example in _OF_STARS.items():
            value = form.number(name, example)
            if value is not None or name != "epoch":
                body[name] = value
    elif kind == "elements":
        body["elements"] = _elements(form)
    else:
        form.require("observer", "ephemeris")
        body["ephemeris"] = {
            "observer": form.text("observer"),
            "rows": form.text("ephemeris"),
        }
    return body


def _elements(form: Form) -> Json | str:
    if form.text("elements"):
        return form.text("elements")
    form.require(*_ALWAYS)
    for one, other in (
        ("semi_major_axis", "perihelion_distance"),
        ("mean_anomaly", "perihelion_mjd"),
    ):
        if bool(form.text(one)) == bool(form.text(other)):
            form.errors.setdefault(one, f"Give either this or '{ELEMENTS[other][0]}'.")
    found: Json = {}
    for name, (_, _, example, _) in ELEMENTS.items():
        value = form.number(name, example)
        if value is not None:
            found[name] = value
    return found


def _table(ephemeris: Json) -> str:
    """The rows as CSV, to be read and changed in the form."""
    rows: list[dict[str, Any]] = ephemeris.get("rows") or []
    with_distance = any(row.get("distance") is not None for row in rows)
    names = _COLUMNS if with_distance else _COLUMNS[:-1]
    lines = [",".join(_text(row.get(name)) for name in names) for row in rows]
    return "\n".join([",".join(names), *lines])


def _text(value: Any) -> str:
    return "" if value is None else str(value)
