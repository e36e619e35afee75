"""The form of a target: its fields, its choices, and its values as core takes them."""

from typing import Any, Final

from bhtom_web.forms import Form
from bhtom_web.pages import target_position
from bhtom_web.services import Json

LABELS: Final = {
    "name": "Name",
    "ra": "Right ascension",
    "dec": "Declination",
    "epoch": "Epoch",
    "pm_ra": "Proper motion in right ascension",
    "pm_dec": "Proper motion in declination",
    "parallax": "Parallax",
    "classification": "Classification",
    "description": "Description",
    "importance": "Importance",
    "cadence": "Cadence",
    "aliases": "Other names",
    "visibility": "Who may see it",
    "archives_allowed": "Ask outside archives",
    "position_error": "Known to",
}
FIELDS: Final = tuple(dict.fromkeys((*LABELS, *target_position.FIELDS)))
_NUMBERS: Final = {"importance": "9.98", "cadence": "1"}
_TEXTS: Final = ("name", "classification", "description", "visibility")


class TargetChoices:
    """What the lists of the form offer: BHTOM's classes with their long names."""

    classification: Final = (
        ("Unknown", "Unknown"),
        ("Be-star outburst", "Be-star outburst"),
        ("AGN", "Active galactic nucleus (AGN)"),
        ("BL Lac", "BL Lac"),
        ("CV", "Cataclysmic variable (CV)"),
        ("CEPH", "Cepheid variable (CEPH)"),
        ("EB", "Eclipsing binary (EB)"),
        ("Galaxy", "Galaxy"),
        ("GWOC", "Gravitational-wave optical counterpart (GWOC)"),
        ("LPV", "Long-period variable (LPV)"),
        ("LBV", "Luminous blue variable (LBV)"),
        ("M-dwarf flare", "M-dwarf flare"),
        ("Microlensing Event", "Microlensing event"),
        ("Nova", "Nova"),
        ("Peculiar Supernova", "Peculiar supernova"),
        ("Planetary Transit", "Planetary transit"),
        ("QSO", "Quasar (QSO)"),
        ("RCrB", "R CrB variable"),
        ("RR Lyrae Variable", "RR Lyrae variable"),
        ("SSO", "Solar-system object (SSO)"),
        ("Star", "Star"),
        ("SN", "Supernova (SN)"),
        ("SLSN", "Super-luminous supernova (SLSN)"),
        ("Supernova impostor", "Supernova impostor"),
        ("Symbiotic star", "Symbiotic star"),
        ("TDE", "Tidal disruption event (TDE)"),
        ("Variable star-other", "Variable star, other"),
        ("XRB", "X-ray binary (XRB)"),
        ("Xray-transient", "X-ray transient"),
        ("YSO", "Young stellar object (YSO)"),
    )
    visibility: Final = (
        ("public", "Everybody"),
        ("private", "Only I"),
    )
    position_kind: Final = target_position.KINDS
    observer: Final = target_position.OBSERVERS
    element_rows: Final = target_position.ELEMENT_ROWS


def values_of(target: Json, ephemeris: Json | None = None) -> dict[str, Any]:
    """A target as the texts of its form; its ephemeris with all rows."""
    values = {
        name: "" if target.get(name) is None else str(target[name])
        for name in (*_TEXTS, *_NUMBERS)
    }
    values |= target_position.position_values(target, ephemeris)
    values["aliases"] = "\n".join(str(alias) for alias in target.get("aliases") or ())
    values["version"] = str(target.get("version", ""))
    if target.get("archives_allowed", True):
        values["archives_allowed"] = "on"
    return values


def body_of(form: Form) -> Json:
    """What was written as core takes it; positions stay as they were written."""
    body: Json = {
        name: form.text(name)
        for name in _TEXTS
        if form.text(name) or name == "description"
    }
    form.require("name")
    body |= target_position.position_body(form)
    for name, example in _NUMBERS.items():
        value = form.number(name, example)
        if value is not None:
            body[name] = value
    lines = form.text("aliases").replace(",", "\n").splitlines()
    body["aliases"] = [line.strip() for line in lines if line.strip()]
    body["archives_allowed"] = form.checked("archives_allowed")
    if form.checked("allow_close"):
        body["allow_close"] = True
    return body
