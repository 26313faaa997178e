"""A home's mappings and pinholes as those tell it who must know: the kernel and the journal."""

import json


def kernel_table(lab, *names):
    """What each of these sets and maps of upnpd's table holds, data by key; without the table, nothing."""
    listing = lab.router.run("nft", "-j", "list", "table", "inet", "upnpd")
    if listing.returncode != 0:
        return {name: {} for name in names}
    parts = (part.get("set") or part.get("map") for part in json.loads(listing.stdout)["nftables"])
    return {part["name"]: dict(map(_element, part.get("elem", []))) for part in parts
            if part and part["name"] in names}


def _element(element):
    key, data = element if isinstance(element, list) else (element, None)
    return _values(key), data and _values(data)


def _values(value):
    if isinstance(value, dict) and "elem" in value:
        value = value["elem"]["val"]
    return tuple(value["concat"]) if isinstance(value, dict) else (value,)


def kernel_mappings(lab):
    """Where the kernel's maps lead, by (protocol, external port, remote host)."""
    table = kernel_table(lab, "mappings", "remote_mappings")
    return {(protocol.upper(), port, "".join(remote)): data
            for elements in table.values() for (*remote, protocol, port), data in elements.items()}


def kernel_pinholes(lab):
    """(client, protocol, port, remote host, remote port) of each that is open."""
    table = kernel_table(lab, "pinholes", "port_pinholes", "host_pinholes", "host_port_pinholes")

    def whole(client, protocol, port, *remote):
        host = next((part for part in remote if isinstance(part, str)), "")
        return client, protocol.upper(), port, host, next((part for part in remote if part != host), 0)
    return {whole(*key) for elements in table.values() for key in elements}


def journal_mappings(path):
    """What the journal's lines add up to, by key: client and port, id, description."""
    return {(m["protocol"], m["external_port"], m["remote_host"]):
            ((m["client"], m["internal_port"]), m["put"], m["description"])
            for m in _left(path, "put", "gone").values()}


def journal_pinholes(path):
    """The same of pinholes: the id, by the five values."""
    return {(p["client"], p["protocol"], p["internal_port"], p["remote_host"], p.get("remote_port", 0)): number
            for number, p in _left(path, "pinhole", "pinhole_gone").items()}


def _left(path, put, gone):
    by_id = {}
    with open(path) as journal:
        for line in map(json.loads, journal):
            if put in line:
                by_id[line[put]] = line
            by_id.pop(line.get(gone), None)
    return by_id


def difference(a, b):
    return {key: (a.get(key), b.get(key)) for key in a.keys() | b.keys() if a.get(key) != b.get(key)}
