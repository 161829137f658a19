"""The tarball of kit-check: scrubbed files with a manifest, usable as fixtures of tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orin_core.board.nvpmodel_conf import Conf
from orin_core.diagnosis.kit_scrub import Scrubber

MANIFEST = "manifest.json"
_READ_BYTES = 1024 * 1024

SYSFS_FILES = (
    "class/devfreq/*/cur_freq",
    "class/devfreq/*/min_freq",
    "class/devfreq/*/max_freq",
    "class/devfreq/*/device/load",
    "devices/platform/gpu.0/load",
    "devices/gpu.0/load",
    "devices/platform/17000000.gpu/load",
    "class/thermal/thermal_zone*/type",
    "class/thermal/thermal_zone*/temp",
    "class/thermal/thermal_zone*/trip_point_*_temp",
    "class/thermal/thermal_zone*/trip_point_*_type",
    "class/thermal/cooling_device*/type",
    "class/thermal/cooling_device*/cur_state",
    "devices/system/cpu/cpu[0-9]*/online",
    "devices/system/cpu/cpu[0-9]*/cpufreq/scaling_min_freq",
    "devices/system/cpu/cpu[0-9]*/cpufreq/scaling_max_freq",
    "bus/i2c/devices/*/hwmon/hwmon*/in[1-3]_label",
    "bus/i2c/devices/*/hwmon/hwmon*/in[1-3]_input",
    "bus/i2c/devices/*/hwmon/hwmon*/curr[1-3]_input",
    "bus/i2c/devices/*/iio:device*/rail_name_[0-2]",
    "bus/i2c/devices/*/iio:device*/in_power[0-2]_input",
    "class/hwmon/hwmon*/name",
    "class/hwmon/hwmon*/oc*_event_cnt",
    "class/hwmon/hwmon*/pwm1",
    "class/hwmon/hwmon*/rpm",
    "class/hwmon/hwmon*/fan1_input",
    "devices/pwm-fan/cur_pwm",
    "devices/pwm-fan/rpm_measured",
)
"""What ``orin_core.board`` reads of sysfs; what the conf names comes in addition."""


class Bundle:
    """Files for one tarball, scrubbed as they are added.

    Args:
        scrubber: takes out what names the machine or its people.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._files: dict[str, bytes] = {}
        self._entries: list[dict[str, Any]] = []
        self._absent: list[dict[str, str]] = []

    def add(self, name: str, data: bytes, *, what: str, source: str) -> None:
        """Adds a file.

        Args:
            name: path in the tarball.
            data: contents.
            what: what it is, for people.
            source: where it came from.
        """
        name, data = self._scrubber.text(name), self._scrubber.data(data)
        self._files[name] = data
        self._entries.append(
            {
                "path": name,
                "what": what,
                "source": source,
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
            }
        )

    def add_file(self, name: str, path: Path, *, what: str, source: str) -> bool:
        """Adds a file from disk; one that cannot be read is named with the reason. Returns whether it was read."""
        try:
            data = _contents(path)
        except OSError as error:
            self.lacks(what, source, error.strerror or type(error).__name__)
            return False
        self.add(name, data, what=what, source=source)
        return True

    def lacks(self, what: str, source: str, reason: str) -> None:
        """Names something that could not be had, with the reason."""
        self._absent.append({"what": what, "source": source, "reason": reason})

    def add_sysfs(self, folder: str, sysfs: Path, conf: Conf) -> int:
        """Adds the files of sysfs that the board's reader reads, as a tree; returns how many.

        Args:
            folder: where in the tarball its root is.
            sysfs: root of sysfs.
            conf: the board's modes; the files that it names are added.
        """
        paths = {path for pattern in SYSFS_FILES for path in sysfs.glob(pattern) if path.is_file()}
        named = (sysfs / name.removeprefix("/sys").lstrip("/") for name in conf.files.values())
        paths |= {path for path in named if path.is_file()}
        count = 0
        for path in sorted(paths):
            inner = path.relative_to(sysfs).as_posix()
            count += self.add_file(f"{folder}/{inner}", path, what="sysfs", source=f"/sys/{inner}")
        return count

    def write(self, out: Path, facts: Mapping[str, Any]) -> None:
        """Writes the tarball with its manifest; the file is whole or not there.

        Args:
            out: the tarball.
            facts: what the manifest says besides the files.

        Raises:
            OSError: it cannot be written.
        """
        manifest = {"format": 1, **facts, "files": self._entries, "absent": self._absent}
        text = self._scrubber.text(json.dumps(manifest, indent=2))
        aside = out.with_name(f".{out.name}.part")
        try:
            with (
                aside.open("wb") as raw,
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                for name, data in {MANIFEST: text.encode() + b"\n", **self._files}.items():
                    # A fresh TarInfo carries no user, no group and no time.
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
            aside.replace(out)
        finally:
            aside.unlink(missing_ok=True)


def _contents(path: Path) -> bytes:
    """A file's bytes; by the system call, since Python's files turn the EAGAIN of a sensor that is off into None."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = []
        while chunk := os.read(descriptor, _READ_BYTES):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)
