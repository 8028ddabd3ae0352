"""Dog photographs from a server on this machine: whole, broken off, taken up again, wrong, hostile, and a full disk."""

import errno
import functools
import hashlib
import http.server
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import urllib.request
import warnings
from pathlib import Path

import pytest
from PIL import Image

from helpers import photographs
from helpers.photographs import NOTE, fetch_dogs
from helpers.pictures import load_folder

DOGS = ("american_bulldog_10.jpg", "beagle_1.jpg", "beagle_2.jpg")


@functools.cache
def jpeg(seed, size=(60, 40)):
    file = io.BytesIO()
    Image.effect_noise(size, 50 + seed).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def entry(name, content=b"", **attributes):
    """One member of an archive; attributes: those of its TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


PETS = (entry("images", type=tarfile.DIRTYPE), entry("images/Abyssinian_1.jpg", jpeg(0)), entry("images/Abyssinian_100.mat", b"x"),
        entry("images/american_bulldog_10.jpg", jpeg(1)), entry("images/beagle_1.jpg", jpeg(2)), entry("images/beagle_2.jpg", jpeg(3)),
        entry("images/Bombay_3.jpg", jpeg(4)))  # fmt: skip


def pack(entries=PETS, level=0):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=level) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


class Server:
    """A web server on this machine that gives `content`, and misbehaves as told.

    ranges: it obeys Range. stop: bytes after which it hangs up. status: it answers with that and nothing else.
    says: its Content-Length where that is a lie, "" for none. asked: the Range of each request so far, or None.
    """

    def __init__(self, content):
        self.content, self.ranges, self.stop, self.status, self.says, self.asked = content, True, None, None, None, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/images.tar.gz"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def answer(self, handler):
        if handler.path == "/moved":
            handler.send_response(302)
            handler.send_header("Location", self.url)
            handler.end_headers()
            return
        asked = handler.headers["Range"]
        self.asked.append(asked)
        first = int(re.fullmatch(r"bytes=([0-9]+)-", asked)[1]) if asked and self.ranges else 0
        if self.status is not None or first >= len(self.content):
            handler.send_response(self.status or 416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        rest = self.content[first:]
        handler.send_response(206 if asked and self.ranges else 200)
        if asked and self.ranges:
            handler.send_header("Content-Range", f"bytes {first}-{len(self.content) - 1}/{len(self.content)}")
        if self.says != "":
            handler.send_header("Content-Length", self.says or str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest if self.stop is None else rest[:self.stop])

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def serve(monkeypatch):
    """Makes a Server for the given bytes, and lets fetch_dogs take them for the set."""
    servers = []

    def start(content):
        servers.append(Server(content))
        monkeypatch.setattr(photographs, "URL", servers[-1].url)
        monkeypatch.setattr(photographs, "SIZE", len(content))
        monkeypatch.setattr(photographs, "MD5", hashlib.md5(content).hexdigest())
        return servers[-1]

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(urllib.request, "_opener", None)
    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server(serve):
    return serve(pack())


@pytest.fixture
def folder(tmp_path):
    return tmp_path.resolve() / "photographs" / "dogs"


def part_of(folder):
    return folder.with_name("dogs.tar.gz.part")


def assert_whole(folder, names=DOGS):
    """The folder has exactly these photographs and the note, nothing lies beside it, and load_folder reads them."""
    assert sorted(os.listdir(folder)) == sorted([NOTE, *names])
    assert os.listdir(folder.parent) == ["dogs"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_folder(folder, 8, at_least=len(names)).shape == (len(names), 3, 8, 8)


# what it is for


def test_dogs_and_nothing_else_come(server, folder):
    assert fetch_dogs(str(folder)) == folder
    assert_whole(folder)
    contents = {info.name: content for info, content in PETS}
    for name in DOGS:
        assert (folder / name).read_bytes() == contents[f"images/{name}"]
    assert server.asked == [None]


def test_what_it_is_is_said_before_it_starts(server, folder, capsys, monkeypatch):
    said = []
    ask = photographs._ask
    monkeypatch.setattr(photographs, "_ask", lambda have: (said.append(capsys.readouterr().out), ask(have))[1])
    monkeypatch.setattr(photographs, "_megabytes", lambda n: {len(server.content): "792 MB"}.get(n, f"{n} bytes"))
    fetch_dogs(folder)
    for part in ("Oxford-IIIT Pet", "Parkhi et al. 2012", "792 MB", "CC BY-SA 4.0", str(folder), photographs.PAGE):
        assert part in said[0], said
    assert capsys.readouterr().out.strip().endswith(f"3 photographs of dogs are in {folder}.")


def test_licence_and_authors_lie_in_the_folder(server, folder):
    text = (fetch_dogs(folder) / NOTE).read_text()
    for part in ("Parkhi", "Cats and Dogs", "CVPR 2012", photographs.PAGE, "licenses/by-sa/4.0", "copyright"):
        assert part in text


def test_the_set_is_the_one_that_torchvision_names():
    assert photographs.URL == "https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz"
    assert photographs.MD5 == "5c4f3ee8e5d25df40f4fd59a7f44e54c"
    assert photographs._megabytes(photographs.SIZE) == "792 MB"
    # with the annotations' 19,173,078 bytes, the size that TensorFlow Datasets gives for both files
    assert photographs.SIZE + 19_173_078 == 811_092_049


def test_nothing_happens_on_a_second_call(server, folder, capsys):
    fetch_dogs(folder)
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}
    part_of(folder).write_bytes(b"left by a computer that went off at the last moment")
    capsys.readouterr()
    server.asked.clear()
    assert fetch_dogs(folder) == folder
    assert server.asked == [] and capsys.readouterr().out == ""
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]} == before
    assert_whole(folder)


def test_pictures_taken_out_are_not_brought_back_but_counted(server, folder, capsys):
    fetch_dogs(folder)
    (folder / DOGS[0]).unlink()
    server.asked.clear()
    assert fetch_dogs(folder) == folder and server.asked == []
    assert "holds 2 of its 3 photographs: to fetch all again, delete the folder." in capsys.readouterr().out


def test_an_empty_folder_and_a_link_to_one_will_do(server, folder, tmp_path, link):
    folder.mkdir(parents=True)
    link(tmp_path / "link", folder)
    assert fetch_dogs(tmp_path / "link") == folder
    assert_whole(folder)


def test_a_redirect_is_followed_with_its_range(server, folder, monkeypatch):
    monkeypatch.setattr(photographs, "URL", server.url.replace("images.tar.gz", "moved"))
    folder.parent.mkdir()
    part_of(folder).write_bytes(server.content[:500])
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == ["bytes=500-"]


def test_a_server_that_does_not_say_how_much_it_sends(server, folder):
    server.says = ""
    fetch_dogs(folder)
    assert_whole(folder)


def test_bars_show_the_bytes(server, folder, monkeypatch):
    bars = []

    class Bar(photographs.tqdm):
        def __init__(self, **options):
            bars.append((self, options))
            super().__init__(**options, disable=False)

    monkeypatch.setattr(photographs, "tqdm", Bar)
    folder.parent.mkdir()
    part_of(folder).write_bytes(server.content[:500])
    fetch_dogs(folder)
    size = len(server.content)
    assert [(options["desc"], options["initial"], options["total"]) for _, options in bars] == [("fetching", 500, size), ("unpacking", 0, size)]
    assert bars[0][0].n == size and size / 2 < bars[1][0].n <= size  # what follows the last file is not read
    assert not photographs.tqdm._instances  # all are closed


def test_importing_fetches_nothing_and_opens_no_connection():
    code = ("import socket\ndef refuse(*a, **k): raise AssertionError('a connection')\nsocket.socket.connect = refuse\n"
            "import helpers.photographs, helpers.pictures")
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(photographs.__file__).parent.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# broken off, and taken up again


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("stop", [1, 4000])
def test_broken_off_and_taken_up_again(server, folder, ranges, stop, capsys):
    server.stop, server.ranges = stop, ranges
    message = rf"^the connection broke after {stop:,} bytes of [0-9,]+ bytes \(it was closed\): call fetch_dogs again to go on from there\.$"
    with pytest.raises(ConnectionError, match=message):
        fetch_dogs(folder)
    assert os.listdir(folder.parent) == [part_of(folder).name]
    assert part_of(folder).read_bytes() == server.content[:stop]
    server.stop = None
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == [None, f"bytes={stop}-"]
    assert f"{stop:,} bytes of it are here from an earlier call." in capsys.readouterr().out


def test_many_small_pieces_add_up(server, folder):
    server.stop = 5000
    for piece in range(1, 1 + len(server.content) // 5000):
        with pytest.raises(ConnectionError):
            fetch_dogs(folder)
        assert part_of(folder).stat().st_size == 5000 * piece
    fetch_dogs(folder)
    assert_whole(folder)


@pytest.mark.parametrize("seen", ["fetching", "unpacking"])
def test_interrupted_by_hand(server, folder, monkeypatch, seen):
    class Bar(photographs.tqdm):
        def update(self, n=1):
            if self.what == seen:
                raise KeyboardInterrupt
            super().update(n)

        def __init__(self, **options):
            self.what = options["desc"]
            super().__init__(**options)

    monkeypatch.setattr(photographs, "_CHUNK", 3000)
    with monkeypatch.context() as patch:
        patch.setattr(photographs, "tqdm", Bar)
        with pytest.raises(KeyboardInterrupt):
            fetch_dogs(folder)
    assert os.listdir(folder.parent) == [part_of(folder).name]
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == ([None, "bytes=3000-"] if seen == "fetching" else [None])  # what is here is not fetched twice


def test_a_silent_server_is_not_waited_for_for_ever(server, folder, monkeypatch):
    class Silent:
        status, headers = 200, {}

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def read(self, n):
            raise TimeoutError("timed out")

    options = {}
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, **given: options.update(given) or Silent())
    with pytest.raises(ConnectionError, match=r"broke after 0 bytes .*\(timed out\)"):
        fetch_dogs(folder)
    assert options == {"timeout": photographs.TIMEOUT}
    assert not folder.exists()


def test_killed_while_unpacking(server, folder):
    leftover = folder.with_name("dogs.unpacking.part")
    leftover.mkdir(parents=True)
    (leftover / "poodle_1.jpg").write_bytes(jpeg(0))
    part_of(folder).write_bytes(server.content)
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == []


def test_more_than_everything_is_here(server, folder):
    folder.parent.mkdir()
    part_of(folder).write_bytes(server.content + b"x")
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == [None]


def test_a_server_that_cannot_go_on_there_starts_anew(server, folder, monkeypatch):
    answer = server.answer

    def refuse_ranges(handler):
        server.status = 416 if handler.headers["Range"] else None
        answer(handler)

    monkeypatch.setattr(server, "answer", refuse_ranges)
    folder.parent.mkdir()
    part_of(folder).write_bytes(b"something else")
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == ["bytes=14-", None]


# no internet, and servers that give something else


def test_no_internet(server, folder, monkeypatch):
    server.close()
    folder.parent.mkdir()
    part_of(folder).write_bytes(server.content[:500])
    monkeypatch.setattr(server, "close", lambda: None)
    with pytest.raises(ConnectionError, match=r"^no connection to 127.0.0.1:[0-9]+ \(.*refused.*\): check the internet connection, then call .* again\.$"):
        fetch_dogs(folder)
    assert os.listdir(folder.parent) == [part_of(folder).name]
    assert part_of(folder).read_bytes() == server.content[:500]


def test_no_such_host(server, folder, monkeypatch):
    monkeypatch.setattr(photographs, "URL", "http://nowhere.invalid/images.tar.gz")
    with pytest.raises(ConnectionError, match=r"^no connection to nowhere.invalid \([^)]+\): check"):
        fetch_dogs(folder)
    assert os.listdir(folder.parent) == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_server_that_refuses(server, folder, status):
    server.status = status
    with pytest.raises(ConnectionError, match=rf"does not give the photographs \({status} .*own\.$"):
        fetch_dogs(folder)
    assert os.listdir(folder.parent) == []


def test_a_log_in_page(server, folder):
    server.content = b"<html>Please log in</html>"
    with pytest.raises(ConnectionError, match=r"sends 26 bytes where [0-9]+ are expected, .* log-in page"):
        fetch_dogs(folder)
    assert os.listdir(folder.parent) == []


def test_a_wrong_file_is_named_and_removed(server, folder):
    right = server.content
    server.content = bytes(len(right))
    with pytest.raises(ValueError, match="dogs.tar.gz.part was not what it should be .* is removed: call fetch_dogs again") as caught:
        fetch_dogs(folder)
    assert hashlib.md5(server.content).hexdigest() in str(caught.value) and photographs.MD5 in str(caught.value)
    assert os.listdir(folder.parent) == []
    server.content = right
    fetch_dogs(folder)
    assert_whole(folder)


def test_a_wrong_beginning_is_found(server, folder):
    folder.parent.mkdir()
    part_of(folder).write_bytes(b"from an older version")
    with pytest.raises(ValueError, match="was not what it should be"):
        fetch_dogs(folder)
    assert os.listdir(folder.parent) == []


# what is in the archive


HOSTILE = [
    entry("../beagle_7.jpg", jpeg(0)),
    entry("images/../../beagle_7.jpg", jpeg(0)),
    entry("images/../beagle_7.jpg", jpeg(0)),
    entry("/tmp/images/beagle_7.jpg", jpeg(0)),
    entry("/images/beagle_7.jpg", jpeg(0)),
    entry("images//beagle_7.jpg", jpeg(0)),
    entry("images\\beagle_7.jpg", jpeg(0)),
    entry("images/c:beagle_7.jpg", jpeg(0)),
    entry("images/beagle_7.jpg\n", jpeg(0)),
    entry("images/beagle_7.jpg/x", jpeg(0)),
    entry("images/sub/beagle_7.jpg", jpeg(0)),
    entry("other/beagle_7.jpg", jpeg(0)),
    entry("beagle_7.jpg", jpeg(0)),
    entry("images/._beagle_7.jpg", jpeg(0)),
    entry("images/.source.txt", jpeg(0)),
    entry("images/beagle_7.jpg", type=tarfile.SYMTYPE, linkname="../../secret.jpg"),
    entry("images/beagle_7.jpg", type=tarfile.LNKTYPE, linkname="images/beagle_1.jpg"),
    entry("images/beagle_7.jpg", type=tarfile.FIFOTYPE),
    entry("images/beagle_7.jpg", type=tarfile.CHRTYPE),
    entry("images/beagle_7.jpg", type=tarfile.DIRTYPE),
    entry("images/beagle_7.jpg", b""),
    entry("images/beagle_7.jpg", b"<html>"),
    entry("images/beagle_7.jpg", jpeg(0)[1:]),
]


@pytest.mark.parametrize("member", HOSTILE, ids=lambda member: f"{member[0].name!r} {member[0].type.decode()} {member[0].size}")
def test_hostile_and_broken_entries_are_skipped(serve, folder, tmp_path, member):
    (tmp_path / "secret.jpg").write_bytes(jpeg(9))
    for entries in ((*PETS, member), (member, *PETS)):
        serve(pack(entries))
        fetch_dogs(folder)
        assert_whole(folder)
        assert sorted(os.listdir(tmp_path)) == ["photographs", "secret.jpg"]
        shutil.rmtree(folder)


def test_a_link_is_never_written_through(serve, folder, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"mine")
    link = entry("images/beagle_1.jpg", type=tarfile.SYMTYPE, linkname=str(tmp_path / "secret.jpg"))
    serve(pack((link, *PETS)))
    fetch_dogs(folder)
    assert (tmp_path / "secret.jpg").read_bytes() == b"mine" and not (folder / "beagle_1.jpg").is_symlink()
    assert_whole(folder)


def test_owner_and_permissions_of_the_archive_do_not_count(serve, folder):
    serve(pack([entry("./images/beagle_1.jpg", jpeg(0), mode=0o4777, uid=12345)]))
    fetch_dogs(folder)
    assert_whole(folder, ["beagle_1.jpg"])
    found = (folder / "beagle_1.jpg").stat()
    assert found.st_mode & 0o7111 == 0 and found.st_uid != 12345


DAMAGED = {
    "cut": pack()[:8000],
    "overwritten": pack(level=9)[:12] + b"\xff" * 100 + pack(level=9)[112:],
    "not compressed": b"no archive",
    "only begins like one": b"\x1f\x8b" + bytes(500),
    "cats alone": pack([entry("images/Bombay_1.jpg", jpeg(0))]),
    "empty": pack([]),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_archive_leaves_nothing(serve, folder, name):
    serve(DAMAGED[name])
    with pytest.raises(ValueError, match="removed: call fetch_dogs again"):
        fetch_dogs(folder)
    assert os.listdir(folder.parent) == []


# the disk, and folders that will not do


def test_too_little_room_is_said_before_anything_is_fetched(server, folder, monkeypatch):
    need = 2 * len(server.content)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10 * need, 9 * need, need - 1))
    with pytest.raises(OSError, match="^the disk of .*dogs is full: [0-9,]+ bytes are needed .* Make room, or choose a folder on another disk"):
        fetch_dogs(folder)
    assert server.asked == [] and os.listdir(folder.parent) == []
    part_of(folder).write_bytes(server.content[:1])  # one byte less to come
    fetch_dogs(folder)
    assert_whole(folder)


def test_the_disk_fills_up_while_fetching(server, folder, monkeypatch):
    opened = Path.open

    class Full(io.FileIO):
        def write(self, content):
            if self.tell() >= 6000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(content)

    def open_full(path, mode="r", *arguments, **options):
        return Full(path, mode) if "w" in mode or "a" in mode else opened(path, mode, *arguments, **options)

    monkeypatch.setattr(photographs, "_CHUNK", 3000)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_full)
        with pytest.raises(OSError, match="^the disk of .* is full"):
            fetch_dogs(folder)
    assert os.listdir(folder.parent) == [part_of(folder).name]
    assert part_of(folder).read_bytes() == server.content[:6000]
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == [None, "bytes=6000-"]


@pytest.mark.parametrize("write", ["write_bytes", "write_text", "rename"])
def test_the_disk_fills_up_while_unpacking(server, folder, monkeypatch, write):
    real, calls = getattr(Path, write), []

    def full(path, *arguments, **options):
        calls.append(path)
        if write == "write_bytes" and len(calls) < 2:
            return real(path, *arguments, **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, write, full)
        with pytest.raises(OSError, match="^the disk of .* is full"):
            fetch_dogs(folder)
    assert calls and os.listdir(folder.parent) == [part_of(folder).name]  # the archive need not come again
    fetch_dogs(folder)
    assert_whole(folder)
    assert server.asked == [None]


def test_a_place_that_may_not_be_written_to(server, folder, monkeypatch):
    def refuse(path, *arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OSError, match=r"dogs could not be made \(Permission denied\): choose a folder that you may write to\.$"):
        fetch_dogs(folder)
    assert server.asked == []


def test_other_things_are_not_mixed_with_the_photographs(server, folder):
    folder.mkdir(parents=True)
    (folder / "holiday.jpg").write_bytes(jpeg(0))
    with pytest.raises(ValueError, match=r"holds other things \(holiday.jpg\), which would be mixed .* give the name of a new folder\.$"):
        fetch_dogs(folder)
    (folder / NOTE).write_text("a note of somebody else")
    with pytest.raises(ValueError, match=r"holds other things \(.source.txt, ...\)"):
        fetch_dogs(folder)
    assert server.asked == [] and sorted(os.listdir(folder)) == [NOTE, "holiday.jpg"]


def test_a_file_in_place_of_the_folder(server, folder):
    folder.parent.mkdir()
    folder.write_text("x")
    with pytest.raises(ValueError, match="is a file: give the name of a new folder"):
        fetch_dogs(folder)
    assert server.asked == [] and folder.read_text() == "x"
