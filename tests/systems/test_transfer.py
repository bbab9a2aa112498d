"""Bundles on their way: the same bytes out, and nothing in that is not a whole bundle."""

import contextlib
import hashlib
import io
import shutil
import stat
import sys
import tarfile
import urllib.request
import zipfile
from email.message import Message
from urllib.response import addinfourl

import pytest
from tests.systems.bundles_made import bundle_at, change_arrays

from geocairn.errors import BadBundle, BadConfig, BadOutput, GeocairnError, MissingExtra, UnknownName
from geocairn.systems import archive as archives
from geocairn.systems.bundle import MANIFEST, load_bundle
from geocairn.systems.transfer import export_bundle, pull_bundle


@pytest.fixture
def folder(tmp_path):
    return bundle_at(tmp_path / "b")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(source, out, match, error: type[GeocairnError] = BadBundle, **more):
    """Pulling fails in one line, and leaves nothing."""
    before = sorted(out.parent.iterdir())
    with pytest.raises(error, match=match) as told:
        pull_bundle(str(source), out, **more)
    assert "\n" not in str(told.value)
    assert sorted(out.parent.iterdir()) == before


def tar_with(folder, out, *entries):
    """An archive of the bundle, and of more."""
    with tarfile.open(out, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
        for entry in entries:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return out


def zip_with(folder, out, *entries):
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
        for entry in entries:
            archive.writestr(entry, b"x")
    return out


def entry(name, **changes):
    made = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(made, key, value)
    return made


# Exports.


@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_an_export_has_the_same_bytes_whatever_the_times_and_the_folder(folder, tmp_path, suffix):
    first = export_bundle(str(folder), tmp_path / f"one{suffix}").read_bytes()
    other = tmp_path / "other"
    shutil.copytree(folder, other, copy_function=shutil.copyfile)
    (other / "card.md").chmod(0o600)
    assert export_bundle(str(other), tmp_path / f"two{suffix}").read_bytes() == first
    assert export_bundle(str(other), tmp_path / f"two{suffix}").read_bytes() == first


def test_an_export_lists_its_files_by_name_and_without_times(folder, tmp_path):
    with tarfile.open(export_bundle(str(folder), tmp_path / "b.tar")) as archive:
        entries = archive.getmembers()
    assert [member.name for member in entries] == sorted(contents(folder))
    assert {(member.mtime, member.mode, member.uid, member.uname) for member in entries} == {(0, 0o644, 0, "")}
    with zipfile.ZipFile(export_bundle(str(folder), tmp_path / "b.zip")) as zipped:
        assert zipped.namelist() == sorted(contents(folder))
        assert {member.date_time for member in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("name", ["b.tar", "b.zip"])
def test_an_export_replaces_an_earlier_one_and_nothing_else(folder, tmp_path, name):
    out = tmp_path / "out" / name
    export_bundle(str(folder), out)
    export_bundle(str(folder), out)
    for content in (b"", b"dear", b"PK\x03\x04dear"):
        out.write_bytes(content)
        with pytest.raises(BadOutput, match="no earlier export"):
            export_bundle(str(folder), out)
        assert out.read_bytes() == content
    with tarfile.open(out, "w") as archive:
        archive.add(folder / "card.md", MANIFEST)
    with pytest.raises(BadOutput, match="no earlier export"):
        export_bundle(str(folder), out)
    out.unlink()
    out.mkdir()
    with pytest.raises(BadOutput, match="is a folder"):
        export_bundle(str(folder), out)
    assert [path.name for path in out.parent.iterdir()] == [name]


def test_a_folder_that_holds_other_things_is_spared(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    export_bundle(str(folder), other)
    export_bundle(str(folder), other)
    assert contents(other) == contents(folder)
    change_arrays(other, lambda arrays: arrays.update({"layer0.weight": arrays["layer0.weight"] + 1}))
    trained = contents(other)
    with pytest.raises(BadOutput, match=r"other: holds another bundle than .*b; name a new folder, or delete that one"):
        export_bundle(str(folder), other)
    assert contents(other) == trained
    (other / MANIFEST).write_text("{")
    with pytest.raises(BadOutput, match="another bundle"):
        export_bundle(str(folder), other)


@pytest.mark.parametrize("name", ["card.md", "model.safetensors", ".DS_Store"])
def test_an_export_that_was_damaged_is_mended_by_the_same(folder, tmp_path, name):
    out = export_bundle(str(folder), tmp_path / "out")
    (out / name).write_bytes(b"")
    assert contents(export_bundle(str(folder), out)) == contents(folder)


def test_a_folder_of_letters_is_spared(folder, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/letter.txt").write_text("dear")
    with pytest.raises(BadOutput, match="holds no bundle"):
        export_bundle(str(folder), tmp_path / "letters")
    with pytest.raises(BadOutput, match="is a file"):
        export_bundle(str(folder), tmp_path / "letters/letter.txt")
    assert (tmp_path / "letters/letter.txt").read_text() == "dear"


def test_a_bundle_is_not_written_into_itself_or_over_itself(folder, tmp_path):
    for out in (folder, folder / "b.tar", folder / "inner", tmp_path / "x/../b"):
        with pytest.raises(BadOutput):
            export_bundle(str(folder), out)
    with pytest.raises(BadOutput):
        pull_bundle(str(folder), folder)
    assert load_bundle(folder)


@pytest.mark.parametrize("name", ["b.tar.gz", "b.tgz", "b.7z"])
def test_an_export_of_another_kind_is_refused(folder, tmp_path, name):
    with pytest.raises(BadConfig, match=r"FILE\.tar, FILE\.zip or a folder"):
        export_bundle(str(folder), tmp_path / name)


# Archives.


def test_archives_that_others_packed_are_pulled(folder, tmp_path):
    shutil.make_archive(str(tmp_path / "dotted"), "tar", folder)
    shutil.make_archive(str(tmp_path / "nested"), "zip", tmp_path, "b")
    for name in ("dotted.tar", "nested.zip"):
        (tmp_path / name).rename(tmp_path / "no-suffix")
        sha256 = hashlib.sha256((tmp_path / "no-suffix").read_bytes()).hexdigest()
        assert pull_bundle(str(tmp_path / "no-suffix"), tmp_path / name / "back", sha256=sha256.upper()) == load_bundle(folder).sha256
        assert contents(tmp_path / name / "back") == contents(folder)


@pytest.mark.parametrize(
    ("odd", "match"),
    [
        (entry("/etc/x.json"), "lead out of the folder"),
        (entry("../x.json"), "lead out of the folder"),
        (entry("a/../../x.json"), "lead out of the folder"),
        (entry("..\\x.json"), "lead out of the folder"),
        (entry("C:x.json"), "lead out of the folder"),
        (entry("a\nb.json"), "lead out of the folder"),
        (entry("link.json", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "a link or device"),
        (entry("link.json", type=tarfile.LNKTYPE, linkname="card.md"), "a link or device"),
        (entry("null.json", type=tarfile.CHRTYPE), "a link or device"),
        (entry("pipe.json", type=tarfile.FIFOTYPE), "a link or device"),
        (entry("../x", type=tarfile.DIRTYPE), "lead out of the folder"),
        (entry("model.pkl"), "of no kind that a bundle holds"),
        (entry("noname"), "of no kind that a bundle holds"),
        (entry("card.md"), "two of its entries have one name"),
        (entry("CARD.md"), "two of its entries have one name"),
        (entry("card.md/x.json"), "cannot be unpacked"),
        (entry("x" * 300 + ".json"), "cannot be unpacked"),
        (entry("extra.json", size=2), "extra.json: not among the files"),
    ],
)
def test_an_entry_that_no_bundle_may_hold_is_refused(folder, tmp_path, odd, match):
    (tmp_path / "out").mkdir()
    refused(tar_with(folder, tmp_path / "b.tar", odd), tmp_path / "out/b", match)


@pytest.mark.parametrize("name", ["/etc/x.json", "../x.json", "a\\..\\x.json", "model.pkl", "card.md"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_of_a_zip_that_no_bundle_may_hold_is_refused(folder, tmp_path, name):
    (tmp_path / "out").mkdir()
    refused(zip_with(folder, tmp_path / "b.zip", name), tmp_path / "out/b", "lead out|of no kind|one name")


def test_a_link_in_a_zip_is_refused(folder, tmp_path):
    link = zipfile.ZipInfo("link.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    (tmp_path / "out").mkdir()
    refused(zip_with(folder, tmp_path / "b.zip", link), tmp_path / "out/b", "a link or device")


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_is_unpacked(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_NEVER_TOO_MUCH_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", bytes(10_000_000))
    (tmp_path / "out").mkdir()
    refused(tmp_path / "b.zip", tmp_path / "out/b", "unpacks to 1 files of 10000000 bytes")
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    refused(export_bundle(str(folder), tmp_path / "b.tar"), tmp_path / "out/b", "more than 3 entries")
    refused(export_bundle(str(folder), tmp_path / "c.zip"), tmp_path / "out/b", "unpacks to 8 files")


@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_an_archive_that_is_cut_or_changed_anywhere_is_refused(folder, tmp_path, suffix):
    whole = export_bundle(str(folder), tmp_path / f"b{suffix}").read_bytes()
    (tmp_path / "out").mkdir()
    for size in {0, 1, 3, 511, 512, 600, len(whole) // 2, len(whole) * 3 // 4}:
        (tmp_path / "cut").write_bytes(whole[:size])
        refused(tmp_path / "cut", tmp_path / "out/b", "cut: ")
    n_same = 0
    for at in range(100, len(whole) - 12_000, len(whole) // 20):
        changed = bytearray(whole)
        changed[at] ^= 0x55
        (tmp_path / "changed").write_bytes(changed)
        # A byte that nothing reads (a time, padding) may differ: then the bundle is the same.
        with contextlib.suppress(BadBundle):
            pull_bundle(str(tmp_path / "changed"), tmp_path / "out/b")
            assert contents(tmp_path / "out/b") == contents(folder)
            shutil.rmtree(tmp_path / "out/b")
            n_same += 1
        assert not list((tmp_path / "out").iterdir())
    assert n_same < 5


def test_other_files_are_no_archives(tmp_path, folder):
    (tmp_path / "out").mkdir()
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        archive.add(folder, "b")
    refused(tmp_path / "b.tar.gz", tmp_path / "out/b", "cannot be unpacked as a whole .tar or .zip")
    refused(folder / "card.md", tmp_path / "out/b", "cannot be unpacked as a whole .tar or .zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("a.json", "{}")
    refused(tmp_path / "none.zip", tmp_path / "out/b", "holds no bundle")


# Sources.


def test_a_pull_replaces_a_bundle_and_nothing_else(folder, tmp_path):
    out = bundle_at(tmp_path / "old")
    (out / "card.md").write_text("damaged")
    assert pull_bundle(str(folder), out) == load_bundle(out).sha256
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/letter.txt").write_text("dear")
    refused(folder, tmp_path / "letters", "holds no bundle", BadOutput)
    assert contents(tmp_path / "letters") == {"letter.txt": b"dear"}


def test_a_pull_that_fails_leaves_the_bundle_that_is_there(folder, tmp_path):
    out = bundle_at(tmp_path / "old")
    refused(folder, out, "nothing of it is kept", sha256="0" * 64)
    assert contents(out) == contents(folder)


def test_file_addresses_are_paths(folder, tmp_path):
    spaced = export_bundle(str(folder), tmp_path / "a b.tar")
    assert pull_bundle(spaced.as_uri(), tmp_path / "one") == pull_bundle(f"file://localhost{folder}", tmp_path / "two")


@pytest.mark.parametrize(
    ("source", "error", "match"),
    [
        ("http://example.org/b.tar", BadConfig, "anyone on the way may change"),
        ("ftp://example.org/b.tar", BadConfig, "addresses of ftp: are not read"),
        ("data:text/plain,b", BadConfig, "addresses of data: are not read"),
        ("file://elsewhere/b.tar", BadConfig, "names the machine 'elsewhere'"),
        ("file://[b", BadConfig, "no address"),
        ("file:///no/such/b.tar", UnknownName, "no such file or folder"),
        ("no-such-b", UnknownName, "no such file or folder"),
        ("", BadBundle, "is no bundle"),
        ("hub:b", BadConfig, "hub:OWNER/NAME"),
        ("hub:a/b/c", BadConfig, "hub:OWNER/NAME"),
        ("hub:../b", BadConfig, "hub:OWNER/NAME"),
    ],
)
def test_a_source_that_is_none_is_one_line(tmp_path, monkeypatch, source, error, match):
    (tmp_path / "out").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    refused(source, tmp_path / "out/b", match, error)


class Web:
    """Answers https requests in place of the network: what each address gives, or raises."""

    def __init__(self, monkeypatch):
        self.pages, self.asked = {}, []
        monkeypatch.setattr(urllib.request.HTTPSHandler, "https_open", lambda handler, request: self.answer(request))

    def answer(self, request):
        self.asked.append((request.full_url, request.timeout))
        page = self.pages[request.full_url]
        if isinstance(page, Exception):
            raise page
        code, headers, content = page
        told = Message()
        for key, value in headers.items():
            told[key] = value
        answer = addinfourl(io.BytesIO(content), told, request.full_url, code)
        answer.msg = "as it is"
        return answer


@pytest.fixture
def web(monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return Web(monkeypatch)


def test_https_is_fetched_with_a_time_limit_and_over_redirects_to_https(folder, tmp_path, web):
    packed = export_bundle(str(folder), tmp_path / "b.tar").read_bytes()
    web.pages = {
        "https://a.example/b": (302, {"Location": "https://b.example/b.tar?x=1"}, b""),
        "https://b.example/b.tar?x=1": (200, {"Content-Length": str(len(packed))}, packed),
    }
    assert pull_bundle("https://a.example/b", tmp_path / "out", sha256=hashlib.sha256(packed).hexdigest()) == load_bundle(folder).sha256
    assert contents(tmp_path / "out") == contents(folder)
    assert [timeout for _, timeout in web.asked] == [60, 60]


@pytest.mark.parametrize(
    ("page", "match"),
    [
        ((302, {"Location": "http://b.example/b.tar"}, b""), "leads on to http://b.example/b.tar, which is not https"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "not https|not allowed"),
        ((302, {"Location": "https://a.example/b.tar"}, b""), "could not be fetched"),
        ((404, {}, b"gone"), "404"),
        ((200, {"Content-Length": "100"}, b"short"), "ended after 5 of 100 bytes"),
        ((200, {}, b"<html>log in</html>"), "cannot be unpacked"),
        (TimeoutError("timed out"), "timed out"),
        (OSError("no route\nto host"), "no route to host"),
    ],
)
def test_a_fetch_that_fails_is_one_line_and_leaves_nothing(tmp_path, web, page, match):
    web.pages = {"https://a.example/b.tar": page}
    (tmp_path / "out").mkdir()
    refused("https://a.example/b.tar", tmp_path / "out/b", match)


def test_an_answer_without_end_is_cut(tmp_path, web, monkeypatch):
    monkeypatch.setattr("geocairn.systems.fetch.MAX_BYTES", 1000)
    web.pages = {"https://a.example/b.tar": (200, {}, bytes(2000))}
    (tmp_path / "out").mkdir()
    refused("https://a.example/b.tar", tmp_path / "out/b", "more than 1000 bytes")


@pytest.fixture
def hub(monkeypatch, folder):
    """A hub that holds the bundle, beside what repositories hold besides."""
    import huggingface_hub

    asked = []

    def fetched(repository, *, local_dir, allow_patterns):
        asked.append((repository, allow_patterns))
        shutil.copytree(folder, local_dir)
        (local_dir / "README.md").write_text("# b")
        (local_dir / ".cache/huggingface").mkdir(parents=True)
        (local_dir / ".cache/huggingface/x.lock").write_text("")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    return asked


def test_from_the_hub_only_what_the_bundle_lists_is_taken(tmp_path, folder, hub):
    assert pull_bundle("hub:some-one/b.1", tmp_path / "out") == load_bundle(folder).sha256
    assert contents(tmp_path / "out") == contents(folder)
    assert hub[0][0] == "some-one/b.1"
    assert not {"*", "*.bin", "*.pt", "*.pkl"} & set(hub[0][1])


@pytest.mark.parametrize(
    ("name", "match"), [("card.md", "hub:a/b/card.md: missing"), (MANIFEST, "hub:a/b: holds no bundle"), ("model.safetensors", "safetensors: missing")]
)
def test_a_repository_without_a_whole_bundle_is_refused(tmp_path, folder, hub, name, match):
    (folder / name).unlink()
    (tmp_path / "out").mkdir()
    refused("hub:a/b", tmp_path / "out/b", match)


def test_without_the_hub_or_its_library_it_is_one_line(tmp_path, monkeypatch):
    import huggingface_hub

    def failing(*_, **__):
        raise RuntimeError("offline\nmode")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", failing)
    refused("hub:a/b", tmp_path / "out/b", "hub:a/b: could not be fetched .offline mode.")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused("hub:a/b", tmp_path / "out/b", "needs huggingface_hub; mend: pip install", MissingExtra)
