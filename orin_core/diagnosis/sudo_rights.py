"""Which commands a user may run as root without a password; pure."""

from __future__ import annotations

import re
from collections.abc import Collection

_ENTRY = re.compile(r"\s*\((?P<users>[^:)]*)[^)]*\)\s*(?P<rest>.*)")
_TAG = re.compile(r"\s*([A-Z_]+):\s*")


def free_commands(listing: str, commands: Collection[str]) -> set[str]:
    """Returns those of some commands that ``sudo -n -l`` lists as free of a password.

    **Source**: sudoers(5): the last entry that matches a command decides; a tag such as
    ``NOPASSWD:`` holds for the commands after it on its line; a program that is listed without
    arguments may have any. ``sudo -l COMMAND`` is no proof, since it also accepts commands that
    need a password.

    Args:
        listing: what sudo printed.
        commands: path of a program and its arguments, with one blank between.
    """
    free: dict[str, bool] = {}
    for line in re.sub(r"\n {5,}", " ", listing.replace("\t", "    ")).splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry is None or not {"root", "ALL"} & {user.strip() for user in entry["users"].split(",")}:
            continue
        without_password = False
        for part in re.split(r"(?<!\\),", entry["rest"]):
            listed = part
            while tag := _TAG.match(listed):
                if tag[1] in ("NOPASSWD", "PASSWD"):
                    without_password = tag[1] == "NOPASSWD"
                listed = listed[tag.end() :]
            listed = listed.strip().replace("\\", "")
            for command in commands:
                if listed in ("ALL", command, command.split(" ")[0]):
                    free[command] = without_password
    return {command for command, granted in free.items() if granted}
