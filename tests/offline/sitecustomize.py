"""Python without the internet, for every kernel and test: conftest.py puts this folder on PYTHONPATH.

Whatever is not on this machine is refused, and kept in `refused`: tests/sweep.py looks there after each lesson.
"""

import socket

refused = []
_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def _check(host):
    name = host.decode() if isinstance(host, bytes) else host
    if not (name in (None, "", "localhost", "::1", "0.0.0.0", "::", socket.gethostname()) or name.startswith("127.")):
        refused.append(name)
        raise socket.gaierror(socket.EAI_NONAME, f"tests have no internet, so {name} is not to be reached")


def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        _check(address[0])
    return _connect(self, address)


def getaddrinfo(host, *arguments, **options):
    _check(host)
    return _getaddrinfo(host, *arguments, **options)


socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
