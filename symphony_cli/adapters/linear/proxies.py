"""Which proxy leads where, by the variables that curl and httpx know.

httpx reads them from `os.environ` and from nowhere else. Those of a tick may be in symphony.env, so
its rules are repeated here for any environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

SCHEMES = ("http", "https", "all")


def routes(environ: Mapping[str, str]) -> dict[str, str | None]:
    """httpx's patterns of addresses, each with its proxy; None leads there without one.

    A name in lower case counts more than the same in capitals, also when it is empty.
    """
    found = {
        scheme: f"{'' if '://' in proxy else 'http://'}{proxy}"
        for scheme in SCHEMES
        if (proxy := _said(environ, scheme))
    }
    spared = [host.strip() for host in _said(environ, "no").split(",")]
    if "*" in spared:
        return {}
    return {
        **{f"{scheme}://": proxy for scheme, proxy in found.items()},
        **{_pattern(host): None for host in spared if host},
    }


def _said(environ: Mapping[str, str], scheme: str) -> str:
    name = f"{scheme}_proxy"
    return environ.get(name, environ.get(name.upper(), "")).strip()


def _pattern(host: str) -> str:
    """The addresses that an entry of NO_PROXY means: a name stands for what is below it, too."""
    if "://" in host:
        return host
    try:
        address = ip_address(host.partition("/")[0])
    except ValueError:
        return f"all://{host}" if host.casefold() == "localhost" else f"all://*{host}"
    return f"all://[{host}]" if address.version == 6 else f"all://{host}"
