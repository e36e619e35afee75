"""Floats that carry their unit into the JSON Schema of every event."""

from typing import Annotated

from pydantic import Field


def _unit(name: str) -> object:
    return Field(json_schema_extra={"unit": name}, allow_inf_nan=False)


Degrees = Annotated[float, _unit("deg")]
Arcseconds = Annotated[float, _unit("arcsec")]
ArcsecondsPerPixel = Annotated[float, _unit("arcsec/px")]
Milliarcseconds = Annotated[float, _unit("mas")]
MilliarcsecondsPerYear = Annotated[float, _unit("mas/yr")]
JulianYear = Annotated[float, _unit("yr")]
Days = Annotated[float, _unit("d")]
Mjd = Annotated[float, _unit("d")]
Seconds = Annotated[float, _unit("s")]
AstronomicalUnits = Annotated[float, _unit("au")]
Metres = Annotated[float, _unit("m")]
Pixels = Annotated[float, _unit("px")]
Magnitudes = Annotated[float, _unit("mag")]
Adu = Annotated[float, _unit("adu")]
Electrons = Annotated[float, _unit("electron")]
ElectronsPerAdu = Annotated[float, _unit("electron/adu")]
Photometric = Annotated[float, _unit("given by the field `unit`")]
Dimensionless = Annotated[float, _unit("1")]
