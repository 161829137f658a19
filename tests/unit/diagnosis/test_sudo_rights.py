from __future__ import annotations

import pytest

from orin_core.diagnosis.sudo_rights import free_commands

COMMANDS = [f"/usr/sbin/nvpmodel -m {mode_id}" for mode_id in (0, 1)]
HEAD = "Matching Defaults entries for ada on kit:\n    env_reset, mail_badpass\n\nUser ada may run:\n"


@pytest.mark.parametrize(
    ("entries", "free"),
    [
        ("    (root) NOPASSWD: /usr/sbin/nvpmodel -m 0\n    (root) NOPASSWD: /usr/sbin/nvpmodel -m 1", {0, 1}),
        ("    (root) NOPASSWD: /usr/sbin/nvpmodel -m 0, /usr/sbin/nvpmodel -m 1", {0, 1}),
        ("    (root) NOPASSWD: /usr/sbin/nvpmodel -m 0,\n        /usr/sbin/nvpmodel -m 1", {0, 1}),
        ("    (root) NOPASSWD: /usr/sbin/nvpmodel -m 0, PASSWD: /usr/sbin/nvpmodel -m 1", {0}),
        ("    (ALL : ALL) NOPASSWD: ALL", {0, 1}),
        ("    (ALL) SETENV: NOPASSWD: /usr/sbin/nvpmodel", {0, 1}),
        # A password is wanted, though another command has none.
        ("    (ALL : ALL) ALL\n    (root) NOPASSWD: /bin/true", set()),
        ("    (ALL : ALL) NOPASSWD: ALL\n    (ALL : ALL) ALL", set()),
        ("    (ada) NOPASSWD: ALL", set()),
        ("    (root) NOPASSWD: /usr/sbin/nvpmodel -m 10", set()),
        ("    (root) NOPASSWD: /tmp/nvpmodel -m 0", set()),
        ("", set()),
    ],
)
def test_only_what_needs_no_password_is_free(entries: str, free: set[int]) -> None:
    assert free_commands(HEAD + entries + "\n", COMMANDS) == {COMMANDS[mode_id] for mode_id in free}
