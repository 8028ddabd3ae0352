"""A public set of dog photographs. Nothing is fetched before `fetch_dogs` is called."""

import errno
import gzip
import hashlib
import http.client
import re
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path

from tqdm import tqdm

PAGE = "https://www.robots.ox.ac.uk/~vgg/data/pets/"
URL = PAGE + "data/images.tar.gz"
SIZE = 791_918_971  # bytes
MD5 = "5c4f3ee8e5d25df40f4fd59a7f44e54c"  # as torchvision's datasets/oxford_iiit_pet.py has it

NOTE = ".source.txt"  # hidden, so load_folder passes over it; a folder that has it was finished
TIMEOUT = 60  # seconds without a byte
_SOURCE = f"""photographs of dogs out of the Oxford-IIIT Pet set, unchanged
O. M. Parkhi, A. Vedaldi, A. Zisserman, C. V. Jawahar: Cats and Dogs, CVPR 2012, {PAGE}
Licence: CC BY-SA 4.0, https://creativecommons.org/licenses/by-sa/4.0/
The copyright remains with those who took the photographs.
"""
_CHUNK = 2**18  # bytes
_DOG = re.compile(r"(?:\./)?images/([a-z_]+_[0-9]+\.jpg)")  # breeds of cats begin with a capital letter
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def fetch_dogs(folder):
    """A folder of some 5,000 photographs of dogs, fetched over the internet unless they are there: its Path.

    folder: a new or empty one; `load_folder` then reads it. They are the dogs of the Oxford-IIIT Pet set, 25 breeds,
    JPEGs of many sizes. The archive, 792 MB, grows in <folder>.tar.gz.part, and a call that breaks off is taken up by
    the next one; it is checked, unpacked and removed, and the folder appears when all is in it. Takes up to 1.6 GB
    of disk meanwhile. Licence: CC BY-SA 4.0, whoever took a photograph keeps its copyright; a hidden file .source.txt
    in the folder says so.
    Raises ConnectionError without internet or if it breaks, ValueError if the folder holds anything else or what
    came is not the set, and OSError if the disk is full or may not be written to; each says what to do.
    Source: Parkhi, Vedaldi, Zisserman and Jawahar 2012.
    """
    folder = Path(folder).expanduser().resolve()
    part = folder.with_name(folder.name + ".tar.gz.part")
    try:
        if _is_finished(folder):
            part.unlink(missing_ok=True)
            return folder
        _check_empty(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _announce(folder, part)
        _check_space(folder, part)
        _download(part)
        _check_archive(part)
        n = _unpack(part, folder)
        part.unlink()
    except ConnectionError:
        raise
    except OSError as error:
        raise OSError(_advice_on_disk(error, folder)) from error
    print(f"{n:,} photographs of dogs are in {folder}.")
    return folder


def _is_finished(folder):
    """Whether an earlier call filled the folder; says so if pictures have been taken out since."""
    note = folder / NOTE
    found = re.match(r"([0-9]+) photographs", note.read_text(encoding="utf-8")) if note.is_file() else None
    if found is None:
        return False
    n, expected = sum(1 for _ in folder.glob("*.jpg")), int(found[1])
    if n < expected:
        print(f"{folder} holds {n:,} of its {expected:,} photographs: to fetch all again, delete the folder.")
    return True


def _check_empty(folder):
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: give the name of a new folder.")
    others = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if others:
        raise ValueError(f"{folder} holds other things ({others[0]}{', ...' * (len(others) > 1)}), which would be "
                         "mixed with the photographs: give the name of a new folder.")


def _announce(folder, part):
    print(f"Fetching the Oxford-IIIT Pet set (Parkhi et al. 2012), {_megabytes(SIZE)}, for {folder}; up to "
          f"{_megabytes(2 * SIZE)} of disk are used until it is unpacked. Licence: CC BY-SA 4.0, whoever took a "
          f"photograph keeps its copyright ({PAGE}).")
    if have := _size(part):
        print(f"{_megabytes(have)} of it are here from an earlier call.")


def _check_space(folder, part):
    needed = max(SIZE - _size(part), 0) + SIZE  # JPEGs do not shrink in an archive
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{_megabytes(free)} are free")


def _download(part):
    """Makes `part` the whole archive, going on from what there is of it; what came stays if the connection breaks."""
    have = _size(part)
    if have == SIZE:
        return
    answer, have = _ask(have if have < SIZE else 0)
    with answer, part.open("ab" if have else "wb") as file, _bar("fetching", have) as bar:
        while have < SIZE:
            try:
                chunk = answer.read(min(_CHUNK, SIZE - have))
                reason = "it was closed"
            except (OSError, http.client.HTTPException) as error:
                chunk, reason = b"", _reason(error)
            if not chunk:
                raise ConnectionError(f"the connection broke after {_megabytes(have)} of {_megabytes(SIZE)} ({reason})"
                                      ": call fetch_dogs again to go on from there.")
            file.write(chunk)
            have += len(chunk)
            bar.update(len(chunk))


def _ask(have):
    """The server's answer, and after how many of the `have` bytes it goes on: all of them, or none."""
    request = urllib.request.Request(URL, headers={"Range": f"bytes={have}-"} if have else {})
    host = request.host
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # it cannot go on from there
            return _ask(0)
        raise ConnectionError(f"{host} does not give the photographs ({error.code} {error.reason}): call fetch_dogs "
                              f"again later, or see {PAGE}, or use photographs of your own.") from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(f"no connection to {host} ({_reason(error)}): check the internet connection, then call "
                              "fetch_dogs again.") from error
    goes_on = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    have = have if goes_on else 0
    length = answer.headers.get("Content-Length")
    if length is not None and length != str(SIZE - have):
        answer.close()
        raise ConnectionError(f"{host} sends {length} bytes where {SIZE - have} are expected, so it is not the set: is "
                              f"a log-in page of your network in between? Open {PAGE} in a browser, then call again.")
    return answer, have


def _check_archive(part):
    with part.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != MD5:
        part.unlink()
        raise ValueError(f"{part} was not what it should be (its MD5 is {found}, not {MD5}) and is removed: call "
                         f"fetch_dogs again. If this comes back, the file at {URL} has changed.")


def _unpack(part, folder):
    """Puts the archive's dogs and a note of their source into the folder, all or none; returns how many they are."""
    unpacking = folder.with_name(folder.name + ".unpacking.part")
    shutil.rmtree(unpacking, ignore_errors=True)  # what a killed process may have left
    unpacking.mkdir()
    try:
        n = _write_dogs(part, unpacking)
        if n == 0:
            part.unlink()
            raise ValueError(f"no photograph of a dog could be read in the archive from {URL}, which is removed: call "
                             "fetch_dogs again, or use photographs of your own.")
        (unpacking / NOTE).write_text(f"{n} {_SOURCE}", encoding="utf-8")
        if folder.exists():
            folder.rmdir()  # empty; elsewhere than on Unix nothing can be renamed to it
        unpacking.rename(folder)
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
    return n


def _write_dogs(part, folder):
    """Writes the archive's photographs of dogs into the folder; returns how many. Whatever else is in it is skipped.

    Only an ordinary file with exactly the name that a dog's photograph has is written, and under its last part:
    no other path, and no link, is ever made.
    """
    written = set()
    try:
        with part.open("rb") as file, _bar("unpacking") as bar, tarfile.open(fileobj=file, mode="r:gz") as archive:
            for member in archive:
                name = _DOG.fullmatch(member.name)
                content = archive.extractfile(member).read() if name and member.isreg() else b""
                if content.startswith(b"\xff\xd8\xff"):  # as every JPEG
                    (folder / name[1]).write_bytes(content)
                    written.add(name[1])
                bar.update(file.tell() - bar.n)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        part.unlink()
        raise ValueError(f"{part} is damaged ({_reason(error)}) and is removed: call fetch_dogs again.") from error
    return len(written)


def _bar(what, initial=0):
    return tqdm(total=SIZE, initial=initial, desc=what, unit="B", unit_scale=True, leave=False, file=sys.stdout)


def _advice_on_disk(error, folder):
    if error.errno in _FULL:
        return (f"the disk of {folder} is full: {_megabytes(2 * SIZE)} are needed until the photographs are unpacked. "
                "Make room, or choose a folder on another disk, then call fetch_dogs again.")
    return f"{folder} could not be made ({_reason(error)}): choose a folder that you may write to."


def _reason(error):
    """Why it failed, in a few words."""
    error = getattr(error, "reason", error)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _size(file):
    return file.stat().st_size if file.exists() else 0


def _megabytes(n):
    return f"{n / 1e6:,.0f} MB" if n >= 1e6 else f"{n:,} bytes"
