"""KML 2.2 for globes and GPX 1.1 for devices."""

import html
from collections.abc import Iterable
from typing import TextIO
from xml.etree import ElementTree as ET

import shapely

from geocairn.answer.geojson import region_outline
from geocairn.answer.prediction import Candidate, Prediction, Region
from geocairn.export.text import decimal, xml_text
from geocairn.export.words import abstention_line, candidate_line, percent

KML_NAMESPACE = "http://www.opengis.net/kml/2.2"
GPX_NAMESPACE = "http://www.topografix.com/GPX/1/1"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# KML colours are alpha, blue, green, red. Wider regions are drawn first and fainter.
_REGION_STYLES = ((0.5, "region50", "8c8c510a"), (0.8, "region80", "5c8c510a"), (1.0, "region95", "338c510a"))


def write_kml(predictions: Iterable[Prediction], stream: TextIO) -> None:
    """Write KML 2.2: a folder per photo with a Placemark per candidate (Point) and per credible region that can be drawn (MultiGeometry of Polygons).

    Characters that XML forbids become U+FFFD; descriptions are escaped twice, since viewers render them as HTML. A photo with an error is a
    folder that says so.
    """
    stream.write(f'{_DECLARATION}<kml xmlns="{KML_NAMESPACE}">\n<Document>\n<name>Geocairn: where the photos were taken</name>\n')
    for _, name, colour in _REGION_STYLES:
        style = ET.Element("Style", id=name)
        _child(_child(style, "LineStyle"), "color", f"ff{colour[2:]}")
        _child(_child(style, "PolyStyle"), "color", colour)
        _write(style, stream)
    for prediction in predictions:
        _write(_folder(prediction), stream)
    stream.write("</Document>\n</kml>\n")


def write_gpx(predictions: Iterable[Prediction], stream: TextIO) -> None:
    """Write GPX 1.1: a waypoint per candidate, best first. Photos without candidates have none; GPX has no place for regions."""
    stream.write(f'{_DECLARATION}<gpx version="1.1" creator="Geocairn" xmlns="{GPX_NAMESPACE}">\n')
    for prediction in predictions:
        for candidate in prediction.candidates:
            _write(_waypoint(prediction, candidate), stream)
    stream.write("</gpx>\n")


def _waypoint(prediction: Prediction, candidate: Candidate) -> ET.Element:
    # GPX longitudes lie in [-180, 180).
    lon_deg = -180.0 if candidate.lon_deg == 180 else candidate.lon_deg
    waypoint = ET.Element("wpt", lat=decimal(candidate.lat_deg), lon=decimal(lon_deg))
    _child(waypoint, "name", f"{prediction.photo} #{candidate.rank}")
    _child(waypoint, "desc", "; ".join(filter(None, (abstention_line(prediction), candidate_line(candidate)))))
    _child(waypoint, "type", "candidate")
    return waypoint


def _folder(prediction: Prediction) -> ET.Element:
    folder = ET.Element("Folder")
    _child(folder, "name", prediction.photo)
    note = prediction.error if prediction.error is not None else abstention_line(prediction)
    if note is not None:
        _child(folder, "description", html.escape(note))
    for region in sorted(prediction.regions, key=lambda region: -region.nominal):
        _add_region(folder, region)
    for candidate in prediction.candidates:
        _add_candidate(folder, prediction, candidate)
    return folder


def _add_candidate(folder: ET.Element, prediction: Prediction, candidate: Candidate) -> None:
    placemark = _child(folder, "Placemark")
    _child(placemark, "name", candidate_line(candidate))
    data = _child(placemark, "ExtendedData")
    values = {"photo": prediction.photo, "rank": str(candidate.rank), "p": decimal(candidate.p), "radius_km": decimal(candidate.radius_km)}
    for name, value in (values | {"chain": " > ".join(candidate.chain)}).items():
        _child(_child(data, "Data", name=name), "value", html.escape(value))
    _child(_child(placemark, "Point"), "coordinates", f"{decimal(candidate.lon_deg)},{decimal(candidate.lat_deg)}")


def _add_region(folder: ET.Element, region: Region) -> None:
    outline = region_outline(region)
    if outline.is_empty:
        return
    placemark = _child(folder, "Placemark")
    _child(placemark, "name", f"{percent(region.nominal)} region, holding {percent(region.mass)}")
    _child(placemark, "visibility", "0")
    _child(placemark, "styleUrl", "#" + next(name for up_to, name, _ in _REGION_STYLES if region.nominal <= up_to))
    shapes = _child(placemark, "MultiGeometry")
    for part in outline.geoms:
        polygon = _child(shapes, "Polygon")
        _child(_child(_child(polygon, "outerBoundaryIs"), "LinearRing"), "coordinates", _coordinates(part.exterior))
        for hole in part.interiors:
            _child(_child(_child(polygon, "innerBoundaryIs"), "LinearRing"), "coordinates", _coordinates(hole))


def _coordinates(ring: shapely.LinearRing) -> str:
    # A region has thousands of corners: `decimal` would take most of the file's time.
    return " ".join(",".join(f"{round(degrees, 6) + 0.0:.6f}".rstrip("0").rstrip(".") for degrees in corner) for corner in ring.coords)


def _child(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    child.text = None if text is None else xml_text(text)
    return child


def _write(element: ET.Element, stream: TextIO) -> None:
    ET.indent(element, " ")
    stream.write(ET.tostring(element, encoding="unicode") + "\n")
