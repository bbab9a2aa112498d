import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from PIL import Image
from tests.export.factory import album, failed, hostile, prediction

from geocairn.errors import BadOutput
from geocairn.export.map import MapSettings, map_html, write_map


def no_photo(_name):
    return None


class Page(HTMLParser):
    """What of the page is markup: start tags with their attributes, and the text of each script and style."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.texts = {}
        self.is_in_text = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.is_in_text = tag in {"script", "style"}

    def handle_data(self, data):
        if self.is_in_text:
            self.texts[len(self.tags) - 1] = self.texts.get(len(self.tags) - 1, "") + data

    def handle_endtag(self, tag):
        self.is_in_text = False

    def scripts(self):
        return [(attributes, self.texts.get(index, "")) for index, (tag, attributes) in enumerate(self.tags) if tag == "script"]

    def element(self, name):
        return next(json.loads(text) for attributes, text in self.scripts() if attributes.get("id") == name)


ALBUM = map_html(album(), photo_of=no_photo)
PAGE = Page(ALBUM)


def test_the_page_holds_the_photos():
    names = [photo["name"] for photo in PAGE.element("data")["photos"]]
    assert names[:3] == ["p.jpg", "fiji.jpg", "blank.png"]
    assert len(names) == 5


def test_nothing_is_fetched_from_anywhere():
    for tag, attributes in PAGE.tags:
        assert not {"src", "href", "srcset", "action", "data", "poster", "style", "background"} & set(attributes), (tag, attributes)
    assert not {"link", "base", "iframe", "object", "embed", "form", "a", "img"} & {tag for tag, _ in PAGE.tags}
    (style,) = [text for index, text in PAGE.texts.items() if PAGE.tags[index][0] == "style"]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_names_the_scripts_that_are_there_and_no_others():
    (policy,) = [attributes["content"] for tag, attributes in PAGE.tags if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for attributes, text in PAGE.scripts() if "type" not in attributes]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert len(hashes) == 2


def test_hostile_words_are_data_and_nothing_else():
    calm, wild = Page(map_html([prediction()], photo_of=no_photo)), Page(map_html([hostile()], photo_of=no_photo))
    assert [tag for tag, _ in wild.tags] == [tag for tag, _ in calm.tags]
    text = map_html([hostile()], photo_of=no_photo)
    assert "alert(1)" in text
    assert not re.search(r"<[^>]{0,20}alert\(1\)", text)
    assert not set(text) & set("\u2028\u2029\u202e\x00\x07")
    assert wild.element("data")["photos"][0]["name"].startswith("</script><script>alert(1)")


def test_words_reach_the_screen_as_text_nodes_only():
    own = PAGE.scripts()[-1][1]
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch(", "XMLHttpRequest", "http:", "https:"):
        assert danger not in own.replace("http://www.w3.org/2000/svg", ""), danger


def test_the_same_predictions_give_the_same_bytes():
    assert map_html(album(), photo_of=no_photo) == ALBUM


def test_the_page_is_light():
    assert len(ALBUM) < 2_500_000


def test_pictures_come_from_the_photos(tmp_path):
    Image.new("RGB", (900, 600), "red").save(tmp_path / "a.png")
    out = tmp_path / "map.html"
    assert write_map([prediction(str(tmp_path / "a.png")), prediction("missing.png")], out) == 0
    first, second = Page(out.read_text(encoding="utf-8")).element("data")["photos"]
    assert first["picture"]["uri"].startswith("data:image/jpeg;base64,")
    assert (first["picture"]["width_px"], first["picture"]["height_px"]) == (900, 600)
    assert second["picture"] is None


def test_photos_beyond_the_most_are_counted(tmp_path):
    out = tmp_path / "map.html"
    assert write_map([prediction(), failed(), failed()], out, photo_of=no_photo, settings=MapSettings(max_photos=1)) == 2
    data = Page(out.read_text(encoding="utf-8")).element("data")
    assert (len(data["photos"]), data["n_left_out"]) == (1, 2)


def test_each_setting_changes_the_map(tmp_path):
    Image.effect_noise((900, 600), 60).save(tmp_path / "a.png")
    photos = [prediction(str(tmp_path / "a.png"))] * 2
    plain = map_html(photos)
    for change in ({"picture_px": 200}, {"picture_quality": 30}, {"region_vertices": 16}, {"light_from": 1}, {"note": "drawn"}):
        assert map_html(photos, settings=MapSettings(**change)) != plain, change


def test_truths_belong_to_their_photos():
    truths = {"b.jpg": (45.76, 4.84)}
    first, second = Page(map_html([prediction("a.jpg"), prediction("b.jpg")], photo_of=no_photo, truth_of=truths.get)).element("data")["photos"]
    assert first["truth"] is None
    assert second["truth"]["words"].startswith("Truly taken at 45.76, 4.84, ")


def test_no_photos_make_a_page():
    assert Page(map_html([])).element("data")["photos"] == []


def test_a_map_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(BadOutput, match="does not exist"):
        write_map([], tmp_path / "missing" / "map.html")
