"""What was measured: as a table, as data and as a chart."""

import html
import json
import statistics

TITLES = {
    "check": "check, {rows} rows of CSV",
    "import": "import of {rows} rows into an empty database",
    "again": "the same file again",
    "changed": "1 % of the rows changed",
    "xlsx": "{xlsx_rows} rows of XLSX, inline strings",
    "xlsx_excel": "{xlsx_rows} rows of XLSX as Excel writes it",
    "xlsx_libreoffice": "{xlsx_rows} rows of XLSX as LibreOffice writes it",
    "xlsx_google": "{xlsx_rows} rows of XLSX as Google Sheets writes it",
    "large": "{rows} rows and ten times as many",
    "small": "100 rows, a new process",
}


def median(entry, key):
    """The median of one of the costs of whoever did the work, for all of the rows; `None` without a round."""
    if not entry or not entry["runs"] or any(key not in run for run in entry["runs"]):
        return None
    value = statistics.median(run[key] for run in entry["runs"])
    return value * entry["scale"] if key.endswith("_s") else value


def ratio(results, scenario, who, others, key):
    """The median over the smallest of the others' medians; `None` where one side wasn't measured."""
    mine = median(results.get(scenario, {}).get(who), key)
    theirs = [median(results.get(scenario, {}).get(other), key) for other in others]
    theirs = [value for value in theirs if value is not None]
    return mine / min(theirs) if mine is not None and theirs else None


def targets(results):
    """The targets: what, the most it may be, its unit, and what it is."""
    def of(who, scenario, key, factor=1):
        value = median(results.get(scenario, {}).get(who), key)
        return None if value is None else value * factor

    thin, sql, upsert = ["DuckDB", "Polars"], ["hand-written SQL"], ["hand-written upsert"]
    once, tenfold = "muster check, rows", "muster check, rows × 10"
    return [
        ("check", "time, of the faster thin check's", 0.5, "×", ratio(results, "check", "muster", thin, "wall_s")),
        ("check", "peak memory, of the smaller thin check's", 0.4, "×", ratio(results, "check", "muster", thin, "peak_mib")),
        ("import", "time, of the hand-written SQL's", 0.5, "×", ratio(results, "import", "muster", sql, "wall_s")),
        ("import", "time, of raw COPY's", 1.25, "×", ratio(results, "import", "muster", ["raw COPY"], "wall_s")),
        ("again", "time, of the hand-written upsert's", 0.4, "×", ratio(results, "again", "muster", upsert, "wall_s")),
        ("changed", "time, of the hand-written upsert's", 0.5, "×", ratio(results, "changed", "muster", upsert, "wall_s")),
        *(
            target
            for scenario in TITLES
            if scenario.startswith("xlsx")
            for target in (
                (scenario, "time, of the bare cell reader's", 1.0, "×", ratio(results, scenario, "muster", ["calamine"], "wall_s")),
                (scenario, "peak memory", 150, "MiB", of("muster", scenario, "peak_mib")),
            )
        ),
        ("large", "time of the tenfold, of the rows'", 10.5, "×", ratio(results, "large", tenfold, [once], "wall_s")),
        ("large", "peak memory of the tenfold", 1024, "MiB", of(tenfold, "large", "peak_mib")),
        ("small", "check --offline", 40, "ms", of("muster check --offline", "small", "wall_s", 1000)),
        ("small", "import, the server runs", 150, "ms", of("muster import", "small", "wall_s", 1000)),
    ]


def number(value, unit):
    """A figure as people read it."""
    if value is None:
        return "missing"
    return f"{value:.2f} ×" if unit == "×" else f"{value:,.0f} {unit}"


def cell(value, digits):
    """A figure of a table; nothing where there is none."""
    return "" if value is None else f"{value:,.{digits}f}"


def rows_of(who, entry):
    """The line of one who did the work, or couldn't."""
    for state in ("missing", "failed"):
        if state in entry:
            why = entry[state].splitlines()[-1].replace("|", "/")
            return f"| {who} | {state} | | | | | | {why} |"
    if not entry["runs"]:
        return f"| {who} | | | | | | 0 | |"
    walls = [run["wall_s"] * entry["scale"] for run in entry["runs"]]
    spread = f"{min(walls):.2f} to {max(walls):.2f}" if len(walls) > 1 else ""
    note = entry["note"] + (f"; times × {entry['scale']}" if entry["scale"] != 1 else "")
    wall = median(entry, "wall_s")
    at_most = "≤ " if all(run["peak_is_ours"] for run in entry["runs"]) else ""
    cells = [
        who, cell(wall, 2 if wall >= 1 else 3), spread, cell(median(entry, "cpu_s"), 2),
        cell(median(entry, "server_s"), 2), at_most + cell(median(entry, "peak_mib"), 0), str(len(walls)), note,
    ]
    return f"| {' | '.join(cells)} |"


def titles(results, options, facts):
    """The scenarios that were run, in order, with their titles."""
    words = {"rows": f"{options.rows:,}", "xlsx_rows": f"{facts.get('xlsx_rows', 0):,}"}
    return {scenario: title.format(**words) for scenario, title in TITLES.items() if scenario in results}


def table(results, machine, options, facts, minutes):
    """All of it, as Markdown."""
    nice = f"; at nice {machine['nice']}" if machine["nice"] else ""
    lines = [
        f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"PostgreSQL {machine['postgresql']}; {options.rows:,} rows, up to {options.rounds} rounds, "
        f"{minutes:.0f} minutes in all{nice}.",
        "",
        "| | target | at most | measured | |",
        "|---|---|--:|--:|---|",
    ]
    named = titles(results, options, facts)
    for scenario, what, most, unit, value in targets(results):
        if scenario in named:
            verdict = "missing" if value is None else "met" if value <= most else "**not met**"
            lines.append(f"| {named[scenario]} | {what} | {most} {unit} | {number(value, unit)} | {verdict} |")
    for scenario, title in named.items():
        lines += [
            "",
            f"### {title}",
            "",
            "| | wall s | rounds' | CPU s | server's CPU s | peak MiB | rounds | |",
            "|---|--:|--:|--:|--:|--:|--:|---|",
        ]
        lines += [rows_of(who, entry) for who, entry in results[scenario].items()]
    return "\n".join(lines) + "\n"


def chart(results, machine, options, facts):
    """Bars of the median wall times, as SVG: readable in light and dark, without a script."""
    parts, y = [], 28
    for scenario, title in titles(results, options, facts).items():
        bars = [(who, median(entry, "wall_s"), entry) for who, entry in results[scenario].items()]
        longest = max((value for _, value, _ in bars if value is not None), default=None)
        parts.append(f'<text class="title" x="12" y="{y}">{html.escape(title)}</text>')
        y += 8
        for who, value, entry in bars:
            label = html.escape(who + (f" (× {entry['scale']})" if entry["scale"] != 1 else ""))
            parts.append(f'<text class="who" x="232" y="{y + 14}">{label}</text>')
            if value is None:
                state = "failed" if "failed" in entry else "missing"
                parts.append(f'<text class="value" x="242" y="{y + 14}">{state}</text>')
            else:
                width = max(1, 400 * value / longest)
                kind = "muster" if who.startswith("muster") else "peer"
                time = f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
                parts.append(f'<rect class="{kind}" x="240" y="{y + 3}" width="{width:.1f}" height="14" rx="2"/>')
                parts.append(f'<text class="value" x="{246 + width:.1f}" y="{y + 14}">{time}</text>')
            y += 20
        y += 24
    foot = f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, PostgreSQL {machine['postgresql']}; median wall time, shorter is better"
    parts.append(f'<text class="foot" x="12" y="{y}">{html.escape(foot)}</text>')
    style = (
        "text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.who{text-anchor:end}"
        ".foot{font-size:11px;fill:#59636e}.ground{fill:#fff}.muster{fill:#0b6e4f}.peer{fill:#8c959f}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.foot{fill:#9198a1}.ground{fill:#0d1117}"
        ".muster{fill:#3fb68b}.peer{fill:#6e7681}}"
    )
    height = y + 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 {height}" width="740" height="{height}" role="img" '
        f'aria-label="Wall times of muster and its peers"><style>{style}</style>'
        f'<rect class="ground" width="740" height="{height}" rx="6"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def write(results, machine, options, facts, minutes):
    """Prints the table and writes the files; says whether everybody there did the work."""
    text = table(results, machine, options, facts, minutes)
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        everything = {"machine": machine, "rows": options.rows, "minutes": round(minutes, 1), "results": results}
        everything["targets"] = [
            {"scenario": scenario, "what": what, "at_most": most, "unit": unit, "measured": value}
            for scenario, what, most, unit, value in targets(results)
            if scenario in results
        ]
        (options.out / "result.md").write_text(text, encoding="utf-8")
        (options.out / "result.json").write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (options.out / "result.svg").write_text(chart(results, machine, options, facts), encoding="utf-8")
    return not any("failed" in entry for scenario in results.values() for entry in scenario.values())
