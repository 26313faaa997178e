"""docs/benchmarks.md and its plots, made of the figures."""

import html
import math

_COLOURS = {"upnpd": "#2266aa", "miniupnpd": "#bb4422"}
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 360, 70, 40, 130, 50


def figure(value):
    """Three digits, as many as the noise leaves."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}" if digits else f"{round(value):,}".replace(",", " ")


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell if isinstance(cell, str) else figure(cell) for cell in row) + " |"
              for row in rows]
    return "\n".join(lines) + "\n"


def plot(title, unit, series, file):
    """A logarithmic plot of `series` {name: {mappings: value}} as SVG; 0 mappings stand at the left."""
    sizes = sorted({size for values in series.values() for size in values})
    values = [value for line in series.values() for value in line.values() if value]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(size):
        return _LEFT + sizes.index(size) / max(1, len(sizes) - 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(value):
        share = (math.log10(value) - low) / max(1, high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
           f'<text x="{_LEFT}" y="22" font-size="14">{html.escape(title)}</text>']
    for power in range(low, high + 1):
        out.append(f'<path d="M{_LEFT} {y(10**power):.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
                   f'<text x="{_LEFT - 6}" y="{y(10**power) + 4:.1f}" text-anchor="end">'
                   f"{10**power:g} {unit}</text>")
    for size in sizes:
        out.append(f'<text x="{x(size):.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">'
                   f"{size}</text>")
    out.append(f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">'
               "mappings</text>")
    for name, line in series.items():
        points = [(x(size), y(value)) for size, value in sorted(line.items()) if value]
        colour = _COLOURS.get(name, "#444")
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                   + " ".join(f"{a:.1f},{b:.1f}" for a, b in points) + '"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        out.append(f'<text x="{points[-1][0] + 8:.1f}" y="{points[-1][1] + 4:.1f}" fill="{colour}">'
                   f"{html.escape(name)}</text>")
    with open(file, "w") as svg:
        svg.write("\n".join(out) + "\n</svg>\n")


def _series(rows, what):
    return {name: {row["mappings"]: row[name] for row in rows if row["what"] == what and row[name]}
            for name in ("upnpd", "miniupnpd")}


def _plots(results, directory):
    rows = results["peer"]
    for what, unit, stem, title in (
            ("AddPortMapping p50 (us)", "us", "add", "AddPortMapping, one connection, p50"),
            ("16 connections: add+delete pairs a second", "/s", "many",
             "16 connections: mappings added and deleted a second")):
        plot(title, unit, _series(rows, what), f"{directory}/benchmarks-{stem}.svg")


def write(results, directory, text):
    """Writes DIRECTORY/benchmarks.md; `text` are its paragraphs that no run knows: the profile."""
    machine = results["machine"]
    parts = ["# Benchmarks\n",
             "Written by `sudo scripts/bench`; the figures are in [benchmarks.json](benchmarks.json). "
             "What one table compares was measured in turns; a ratio is the median of the turns' "
             "ratios, and counts more than the figures it is made of.\n",
             f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, "
             f"{machine['system']}; load average {machine['load_before']} at the start, "
             f"{machine['load_after']} at the end (the run's own is about 2), niceness "
             f"{machine['nice']}, {machine['date']}. "
             f"upnpd {machine['upnpd']}, miniupnpd {machine['miniupnpd']}, "
             f"libmicrohttpd {machine['libmicrohttpd']}.\n"]
    if results.get("note"):
        parts.append(results["note"] + "\n")
    if results.get("peer"):
        _plots(results, directory)
        parts += ["## Beside miniupnpd\n",
                  "Both in the same namespaces, one after the other; each request on a new connection, "
                  "but for a walk of which the client asked to keep it (miniupnpd closes all the same). "
                  "miniupnpd with Debian's nft scripts, at its best: a small TCP hash table in its "
                  "namespace and no sockets in TIME_WAIT, since each of its adds reads /proc/net/tcp; of "
                  "10 000 mappings 9 000 are copies of its rules, which it reads from the kernel.\n",
                  table(["", "mappings", "upnpd", "miniupnpd", "upnpd / miniupnpd"],
                        [[r["what"], str(r["mappings"]), r["upnpd"], r["miniupnpd"], r["ratio"]]
                         for r in results["peer"] if r["what"] != "faults"]),
                  "![AddPortMapping over the table](benchmarks-add.svg)\n",
                  "![16 connections over the table](benchmarks-many.svg)\n"]
    if results.get("own"):
        sizes = list(results["own"][0]["p50"]["median"])
        parts += ["## Cost over the table\n",
                  "One connection, a new one for each request; all gateways are there at once and take "
                  "turns. The last column is a second gateway of the first size: noise. Processor time is "
                  "that of all of upnpd's processes, for one request; adds and deletes are counted "
                  "together.\n"]
        for kind, name in (("p50", "p50 (us)"), ("cpu", "processor time (us)")):
            parts.append(table([name, *sizes, *(f"{s} / {sizes[0]}" for s in sizes[1:]), "same again"],
                               [[r["what"], *r[kind]["median"].values(), *r[kind]["ratio"].values(),
                                 r[kind]["same_again"]] for r in results["own"]
                                if kind == "p50" or r["what"] != "DeletePortMapping"]))
    if results.get("beside"):
        parts += ["## Beside the floors\n",
                  "Mappings added a second, and answers a second of libmicrohttpd with a fixed answer (HTTP), "
                  "with one element added to a bare nft map before each (both), and with that done by another "
                  "process, for requests that come together in one transaction (apart): what no gateway of two "
                  "processes is spared.\n",
                  table(["", "upnpd", "HTTP", "both", "apart", "upnpd / HTTP", "upnpd / apart", "p50 (us)",
                         "latest answer / p50", "in the worst turn", "faults"],
                        [[f"{r['connections']} connection{'s' * (r['connections'] > 1)}, {r['connection']}",
                          r["upnpd"], r["http"], r["both"], r["apart"], r["ratio_http"], r["ratio_apart"],
                          r["p50"], r["worst_over_p50"], r["worst_of_all"], str(sum(r["faults"].values()))]
                         for r in results["beside"]])]
    if results.get("floors"):
        parts += ["## Floors\n", "The same machine with nothing of upnpd between.\n",
                  table(["", "p50 (us)", "a second"],
                        [[r["what"], r["p50"], r["per_second"]] for r in results["floors"]])]
    if results.get("listing"):
        parts += ["## Long lists\n",
                  table(["mappings", "walk by index (s)", "an entry (us)",
                         "GetListOfPortMappings, one reply (ms)"],
                        [[str(r["mappings"]), r["walk_s"], r["walk_us_an_entry"], r["list_ms"]]
                         for r in results["listing"]])]
    if results.get("packets"):
        parts += ["## Packets\n",
                  "From the internet through the router to a PC: new TCP connections, one after the "
                  "other, and datagrams of one flow, 32 on their way at a time, there and back.\n",
                  table(["", "through", "a second", "/ upnpd, 1 mapping"],
                        [[r["kind"], r["through"], r["per_second"], r["ratio"]]
                         for r in results["packets"]])]
    if results.get("discovery"):
        d = results["discovery"]
        parts += ["## Discovery\n",
                  f"Searches for InternetGatewayDevice:1 with MX 1: of one host, and {figure(d['per_second'])} a "
                  "second of 100 hosts for 5 s.\n",
                  table(["", ""], [
                      ["start of the process to its first answer, median and worst (ms)",
                       f"{figure(d['start_ms'])}, {figure(d['start_worst_ms'])}"],
                      ["answer to one host, median and worst (ms)",
                       f"{figure(d['alone_p50_ms'])}, {figure(d['alone_worst_ms'])}"],
                      ["answer to 100 hosts, p50 and p99 (ms)",
                       f"{figure(d['many_p50_ms'])}, {figure(d['many_p99_ms'])}"],
                      ["answered of these", f"{100 * d['answered']:.1f} %"]])]
    if results.get("memory"):
        m = results["memory"]
        parts += ["## Memory and waking up\n",
                  "Private dirty memory; wakeups are voluntary context switches in "
                  f"{m['seconds']} s in which nothing happened.\n",
                  table(["process", "idle (KiB)", "wakeups"],
                        [[name, size / 1024, str(m["wakeups"][name])] for name, size in m["idle"].items()]),
                  table(["mappings", "all processes (KiB)", "bytes a mapping"],
                        [[str(r["mappings"]), r["bytes"] / 1024, r["per_mapping"]]
                         for r in m["tables"]])]
    if results.get("size"):
        parts += ["## Size\n", table(["stripped, -Os and LTO", "KiB"],
                                     [[name, size / 1024] for name, size in results["size"].items()])]
    with open(f"{directory}/benchmarks.md", "w") as page:
        page.write("\n".join(parts) + ("\n" + text if text else ""))
