"""Ticks of a workstation: psutil, and NVML where there is an NVIDIA desktop GPU."""

from __future__ import annotations

import contextlib
import threading
import time
from types import TracebackType

import psutil

from orin_core.board.probe import Activity, Emit, ProbeNotice
from orin_core.board.sample import CoreSample, RailSample, Sample, Tick

try:
    import pynvml
except ImportError:  # NVML is optional: without it there is no GPU in the ticks
    pynvml = None

GPU_RAIL = "GPU (NVML)"
_MB = 1_048_576


class _Gpu:
    """The first NVIDIA GPU through NVML.

    **Source**: NVML. On Jetson Orin it answers NotSupported, so it serves desktop GPUs only.

    Raises:
        pynvml.NVMLError: there is no driver or no GPU.
    """

    def __init__(self) -> None:
        pynvml.nvmlInit()
        try:
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        except pynvml.NVMLError:
            pynvml.nvmlShutdown()
            raise

    def __enter__(self) -> _Gpu:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pynvml.nvmlShutdown()

    def _ask(self, function: str, *args: int) -> int | None:
        """One reading; None where this GPU does not have it."""
        try:
            return int(getattr(pynvml, function)(self._handle, *args))
        except pynvml.NVMLError:
            return None

    def load_pct(self) -> int | None:
        """Share of the last sampling period in which a kernel ran, 0 to 100."""
        try:
            return int(pynvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)
        except pynvml.NVMLError:
            return None

    def clock_mhz(self) -> int | None:
        """Graphics clock, MHz."""
        return self._ask("nvmlDeviceGetClockInfo", pynvml.NVML_CLOCK_GRAPHICS)

    def temp_c(self) -> int | None:
        """Die temperature, degree C."""
        return self._ask("nvmlDeviceGetTemperature", pynvml.NVML_TEMPERATURE_GPU)

    def power_mw(self) -> int | None:
        """Power of the card, mW."""
        return self._ask("nvmlDeviceGetPowerUsage")


def host_gpu_available() -> bool:
    """Returns whether this machine has an NVIDIA GPU that NVML can read."""
    if pynvml is None:
        return False
    try:
        with _Gpu() as gpu:
            return gpu.load_pct() is not None
    except pynvml.NVMLError:
        return False


class HostProbe:
    """Emits this workstation's own readings at a fixed rate; no GPU, no invented GPU.

    Args:
        interval_ms: time between ticks.
    """

    source = "host"
    simulated = False
    pid = None

    def __init__(self, interval_ms: int) -> None:
        self._interval_s = interval_ms / 1000
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, emit: Emit) -> None:
        """Starts reading."""
        self._thread = threading.Thread(target=self._run, args=(emit,), name="probe-host", daemon=True)
        self._thread.start()

    def observe(self, activity: Activity) -> None:
        """Does nothing: the host shows the worker's activity by itself."""

    def close(self) -> None:
        """Stops reading."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, emit: Emit) -> None:
        with contextlib.ExitStack() as stack:
            gpu: _Gpu | None = None
            if pynvml is not None:
                try:
                    gpu = stack.enter_context(_Gpu())
                except pynvml.NVMLError as error:
                    emit(ProbeNotice(t_s=time.monotonic(), kind="unreadable", message=f"GPU: {error}"))
            psutil.cpu_percent(percpu=True)  # the first call only sets the start of the next one's span
            deadline_s = time.monotonic()
            while True:
                # A late tick does not move the ones after it.
                now_s = time.monotonic()
                deadline_s = max(deadline_s + self._interval_s, now_s)
                if self._stop.wait(deadline_s - now_s):
                    return
                emit(Tick(t_s=time.monotonic(), sample=_read(gpu)))


def _read(gpu: _Gpu | None) -> Sample:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    temps_c = _temps_c()
    load_pct = clock_mhz = power_mw = None
    if gpu is not None:
        load_pct, clock_mhz, power_mw = gpu.load_pct(), gpu.clock_mhz(), gpu.power_mw()
        gpu_c = gpu.temp_c()
        if gpu_c is not None:
            temps_c["gpu"] = float(gpu_c)
    return Sample(
        ram_used_mb=(memory.total - memory.available) // _MB,
        ram_total_mb=memory.total // _MB,
        swap_used_mb=swap.used // _MB if swap.total else None,
        swap_total_mb=swap.total // _MB if swap.total else None,
        cores=_cores(),
        gr3d_pct=load_pct,
        gr3d_freq_mhz=() if clock_mhz is None else (clock_mhz,),
        temps_c=temps_c,
        power_mw={} if power_mw is None else {GPU_RAIL: RailSample(current_mw=power_mw, average_mw=None)},
    )


def _cores() -> tuple[CoreSample, ...]:
    loads_pct = psutil.cpu_percent(percpu=True)
    clocks = psutil.cpu_freq(percpu=True) or []
    # Where the clocks are not told apart by core, none is a core's own.
    clocks_mhz = [round(clock.current) or None for clock in clocks] if len(clocks) == len(loads_pct) else None
    return tuple(
        CoreSample(load_pct=round(load_pct), freq_mhz=None if clocks_mhz is None else clocks_mhz[core])
        for core, load_pct in enumerate(loads_pct)
    )


def _temps_c() -> dict[str, float]:
    """Sensors by chip and label; a name that occurs twice is numbered."""
    temps_c: dict[str, float] = {}
    for chip, sensors in psutil.sensors_temperatures().items():
        for sensor in sensors:
            name = base = (f"{chip} {sensor.label}").strip()
            number = 2
            while name in temps_c:
                name, number = f"{base} {number}", number + 1
            temps_c[name] = float(sensor.current)
    return temps_c
