#!/usr/bin/env python3
"""Writes numbering.tsv again, from the metadata that rlibphonenumber has in itself; to be run when its version changes.

    src/stages/clean/numbering.py FOLDER-OF-THE-CRATE
"""

import collections
import pathlib
import re
import sys

# PhoneMetadata and PhoneNumberDesc of the crate's resources/phonemetadata.proto, by number
GENERAL, FIXED_LINE, MOBILE = 1, 2, 3
TYPES = [FIXED_LINE, MOBILE, 4, 5, 6, 7, 8, 21, 25, 28]
REGION, CODE, ABROAD, PREFIX, TRANSFORM, SAME, MAIN, LEADING = 9, 10, 11, 15, 16, 18, 22, 23
PATTERN, LENGTHS, LOCAL_LENGTHS = 2, 9, 10
HEADER = """\
# Numbering plans: what telephone numbers a region has. Made by numbering.py from the metadata of rlibphonenumber {version},
# which is that of libphonenumber (Apache License 2.0). A line a region, those that share a code in the order in which
# they are asked: region (`001` where there is none), calling code, prefix for calls abroad, national prefix, numbers in
# which something else takes its place, leading digits, possible lengths, possible lengths within an area, pattern of all
# numbers, and for each kind of number its lengths and its pattern, with a `:` between.
"""


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a protobuf message, by number."""
    at, found = 0, collections.defaultdict(list)
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            value, at = varint(data, at)
        found[key >> 3].append(value)
    return found


def pattern(message, number):
    """A pattern without what anchors it."""
    value = message[number][0].decode() if message[number] else ""
    return value.removeprefix("^(?:").removesuffix(")$")


def text(message, number):
    """A pattern without groups that capture."""
    return uncaptured(pattern(message, number))


def uncaptured(pattern):
    return re.sub(r"\((?!\?)", "(?:", pattern)


def prefixes(plan):
    """The national prefix, and the numbers in which something else takes its place: those that fill a group."""
    if not plan[TRANSFORM]:
        return [text(plan, PREFIX), ""]
    plain, replaced = [], []
    for choice in alternatives(pattern(plan, PREFIX)):
        if not re.search(r"\((?!\?)", choice):
            plain.append(choice)
        elif optional := re.fullmatch(r"((?:0\?|\(\?:0\|90\)))(\(\?:.*\))\?", choice):
            plain.append(optional[1])
            replaced.append(optional[1] + optional[2])
        else:
            replaced.append(choice)
    whole = [choice.removesuffix("$") if choice.endswith("$") else choice + r"\d{0,17}" for choice in replaced]
    return ["|".join(plain), uncaptured("|".join(whole))]


def alternatives(pattern):
    """The parts between the `|` that are in no group."""
    parts, depth = [""], 0
    for character in pattern:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def lengths(kind, number=LENGTHS):
    return ",".join(str(length) for length in kind[number])


def line(plan):
    general = fields(plan[GENERAL][0])
    kinds = collections.defaultdict(list)
    for number in TYPES:
        if number == MOBILE and plan[SAME] == [1]:
            continue
        kind = fields(plan[number][0]) if plan[number] else collections.defaultdict(list)
        none = any(length >> 31 for length in kind[LENGTHS])
        if kind[PATTERN] and not none and text(kind, PATTERN) not in kinds[lengths(kind)]:
            kinds[lengths(kind)].append(text(kind, PATTERN))
    cells = [plan[REGION][0].decode(), str(plan[CODE][0]), text(plan, ABROAD)]
    cells += [*prefixes(plan), text(plan, LEADING), lengths(general), lengths(general, LOCAL_LENGTHS), text(general, PATTERN)]
    return "\t".join(cells + [f"{of}:{'|'.join(patterns)}" for of, patterns in sorted(kinds.items()) if patterns])


def main():
    crate = pathlib.Path(sys.argv[1])
    metadata = (crate / "src/generated/metadata/metadata.bin").read_bytes()
    plans = [fields(plan) for plan in fields(metadata)[1]]
    plans.sort(key=lambda plan: (plan[CODE][0], plan[MAIN] != [1]))
    version = re.search(r'^version = "(.*)"', (crate / "Cargo.toml").read_text(), re.M)[1]
    table = pathlib.Path(__file__).with_name("numbering.tsv")
    table.write_text(HEADER.format(version=version) + "".join(line(plan) + "\n" for plan in plans))


if __name__ == "__main__":
    main()
