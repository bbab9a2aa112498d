"""The page around the map: template, style, scripts and Bokeh's own code in one file that asks the network for nothing.

Words from photos enter the page in one place only, as JSON in a data element, and reach the screen as text nodes. Should that ever fail, the page's
content security policy still runs no script but those whose hashes it names, and loads nothing.
"""

import base64
import hashlib
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from bokeh.resources import Resources

from geocairn.export.map_entry import STEP_M
from geocairn.export.map_figure import figure_item
from geocairn.export.mercator import MAX_LAT_DEG, WEB_MERCATOR_RADIUS_M
from geocairn.export.text import script_json
from geocairn.places.outlines import load_outlines


def page_html(content: dict[str, Any]) -> str:
    """The whole page.

    Args:
        content: `photos` (entries of `map_entry`), `shapes` (their outlines), `n_left_out` (photos not on the map).
    """
    scripts = ["\n".join(Resources(mode="inline", components=["bokeh"]).js_raw), _own_script()]
    values = {
        "policy": _content_security_policy(scripts),
        "style": _asset("map.css"),
        "data": script_json(content | _constants()),
        "outlines": script_json(_outlines()),
        "figure": script_json(figure_item()),
        "bokeh": scripts[0],
        "script": scripts[1],
    }
    return Template(_asset("map.html")).substitute(values)


def _constants() -> dict[str, float]:
    return {"step_m": STEP_M, "radius_m": WEB_MERCATOR_RADIUS_M, "max_lat_deg": MAX_LAT_DEG}


def _outlines() -> dict[str, Any]:
    outlines = load_outlines()
    points = base64.b64encode(outlines.points.astype(np.dtype("<i2")).tobytes()).decode("ascii")
    return {"points": points, "ring_start": outlines.ring_start.tolist(), "is_hole": outlines.is_hole.astype(int).tolist(), "grid_deg": outlines.grid_deg}


def _content_security_policy(scripts: list[str]) -> str:
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"


def _own_script() -> str:
    parts = "\n".join(_asset(name) for name in ("map_world.js", "map_answer.js", "map_panel.js"))
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _asset(name: str) -> str:
    return (files("geocairn.export") / name).read_text(encoding="utf-8")
