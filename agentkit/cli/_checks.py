"""What `agentkit doctor` looks at: how each thing stands and, where it is wrong, the command that mends it."""

import platform
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from agentkit.cli._render import human_bytes
from agentkit.errors import AgentkitError, ModelNotFoundError
from agentkit.models.catalog import CATALOG, HUB_PREFIX, is_hosted

if TYPE_CHECKING:
    from agentkit.models.engine import EngineReport
    from agentkit.workspace import Workspace

_LOW_DISK_BYTES = 2_000_000_000
"""The default models take 1.2 GB."""

_GPU_BUILDS = {
    "NVIDIA": "-DGGML_CUDA=on",
    "Apple": "-DGGML_METAL=on",
    "other": "-DGGML_VULKAN=on",
}
"""CMake's switch for llama.cpp's backends (llama.cpp, docs/build.md)."""


class CheckVerdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """Works, and could be better."""
    WRONG = "wrong"
    """Stops work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    verdict: CheckVerdict
    detail: str
    remedy: str = ""
    """The command or the step that mends it."""


def check_python() -> Iterator[Check]:
    """The interpreter and agentkit itself."""
    yield Check("python", CheckVerdict.OK, f"{platform.python_version()} on {platform.platform()} ({sys.executable})")
    try:
        yield Check("agentkit", CheckVerdict.OK, version("agentkit-local"))
    except PackageNotFoundError:
        yield Check("agentkit", CheckVerdict.NOTE, "runs from a checkout that is not installed", "pip install -e .")


def check_engine() -> Iterator[Check]:
    """llama.cpp: its version, the processor's features, AMX and GPUs."""
    try:
        from agentkit.models.engine import engine_report

        report = engine_report()
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: llama_cpp's word for a library it cannot load
        remedy = "pip install --force-reinstall --no-cache-dir llama-cpp-python"
        yield Check("llama.cpp", CheckVerdict.WRONG, f"cannot be loaded: {error}", remedy)
        return
    yield Check("llama.cpp", CheckVerdict.OK, f"llama-cpp-python {report.llama_cpp_python_version}")
    yield Check("cpu", CheckVerdict.OK, " ".join(report.cpu_features) or "no special features")
    if report.has_amx:
        detail = "reported, and avoided" if report.is_amx_avoided else "used"
        yield Check("amx", CheckVerdict.OK, detail + " (llama.cpp issue 20824)" * report.is_amx_avoided)
    else:
        yield Check("amx", CheckVerdict.OK, "not in this build or processor")
    yield from _check_gpu(report)


def check_models(workspace: "Workspace") -> Iterator[Check]:
    """The two models that the settings name."""
    models = workspace.settings.models
    for use, key, name, make in (
        ("chat model", "chat", models.chat, workspace.models.chat_model),
        ("embedder", "embedder", models.embedder, workspace.models.embedder),
    ):
        try:
            make()  # loads nothing yet
            place = _place(workspace, name)
        except ModelNotFoundError as error:
            yield Check(use, CheckVerdict.WRONG, str(error), _way_to_model(key, name))
        except AgentkitError as error:
            yield Check(use, CheckVerdict.WRONG, str(error), "" if is_hosted(name) else "agentkit models list")
        else:
            yield Check(use, CheckVerdict.OK, place)


def check_files(workspace: "Workspace") -> Iterator[Check]:
    """The folders and the file that the settings name beside the models: of a judge, a reranker, a Wikipedia."""
    from agentkit.embedders.cross_encoder import check_folder

    settings = workspace.settings
    if settings.models.judge:
        yield _check_file("judge", settings.models.judge, check_folder)
    if folder := settings.search.reranker_folder:
        yield _check_file("reranker", folder, check_folder)
    if settings.tools.wikipedia.endswith(".zim"):
        from agentkit.tools.wikipedia import zim_tool

        yield _check_file("wikipedia", Path(settings.tools.wikipedia), zim_tool)


def _check_file(use: str, path: Path, check: Callable[[Path], object]) -> Check:
    try:
        check(path)
    except AgentkitError as error:
        return Check(use, CheckVerdict.WRONG, str(error))
    return Check(use, CheckVerdict.OK, str(path))


def _way_to_model(key: str, name: str) -> str:
    if name in CATALOG or name.startswith(HUB_PREFIX):
        return f"agentkit models pull {name}"
    return f"set models.{key} to a file that is there, or to a model of: agentkit models list"


def _place(workspace: "Workspace", name: str) -> str:
    """Where a model is, and what of it runs on a GPU.

    Raises:
        ModelLoadError: its file is no GGUF.
    """
    from agentkit.models.engine.gguf import check_gguf

    if is_hosted(name):
        return f"{name} (runs elsewhere)"
    path = workspace.models.store().path(name)
    if path.is_file():
        check_gguf(path)
    return f"{name} ({path}){_offload(workspace, path)}"


def check_workspace(workspace: "Workspace") -> Iterator[Check]:
    """The workspace and each of its indexes."""
    if workspace.root:
        yield Check("workspace", CheckVerdict.OK, str(workspace.root))
    else:
        detail = f"none: indexes are in {workspace.indexes.directory}"
        yield Check("workspace", CheckVerdict.OK, detail, "agentkit init makes this folder one")
    names = workspace.indexes.names()
    if not names:
        yield Check("indexes", CheckVerdict.NOTE, "none", "agentkit index PATH")
    for name in names:
        yield _check_index(workspace, name)


def check_disk(workspace: "Workspace") -> Iterator[Check]:
    """Room where models and indexes go."""
    for name, place in (
        ("disk (models)", workspace.models.store().directory),
        ("disk (indexes)", workspace.indexes.directory),
    ):
        free = shutil.disk_usage(_existing(place)).free
        detail = f"{human_bytes(free)} free in {place}"
        if free < _LOW_DISK_BYTES:
            yield Check(name, CheckVerdict.NOTE, detail, "free some: the default models need 1.2 GB")
        else:
            yield Check(name, CheckVerdict.OK, detail)


def _check_gpu(report: "EngineReport") -> Iterator[Check]:
    if report.supports_gpu_offload:
        gpus = ", ".join(f"{gpu.description} ({human_bytes(gpu.free_bytes)} free)" for gpu in report.gpus)
        yield Check(
            "gpu", CheckVerdict.OK if gpus else CheckVerdict.NOTE, gpus or "this build can offload, but finds no GPU"
        )
        return
    kind = _gpu_kind()
    command = "CMAKE_ARGS='{}' pip install --force-reinstall --no-cache-dir llama-cpp-python"
    if kind is None:
        remedy = f"with a GPU: {command.format(_GPU_BUILDS['NVIDIA'])} (Vulkan: {_GPU_BUILDS['other']})"
        yield Check("gpu", CheckVerdict.OK, "this build computes on the processor, and no GPU was seen", remedy)
    else:
        yield Check(
            "gpu",
            CheckVerdict.NOTE,
            f"{kind} GPU there, but this build cannot use it",
            command.format(_GPU_BUILDS[kind]),
        )


def _offload(workspace: "Workspace", path: Path) -> str:
    """How many of a GGUF's layers would go to a GPU now; empty where there is no choice."""
    from agentkit.models.engine import engine_report, planned_layers

    if path.is_dir() or not engine_report().gpus:
        return ""
    offloaded, layers = planned_layers(path, workspace.settings.models.gpu_layers)
    return f", {offloaded} of {layers} layers on a GPU"


def _gpu_kind() -> str | None:
    """Which maker's GPU the system seems to have, without starting a program."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple"
    if Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi"):
        return "NVIDIA"
    return "other" if any(Path("/dev/dri").glob("renderD*")) else None


def _check_index(workspace: "Workspace", name: str) -> Check:
    label = f"index {name}"
    try:
        summary = workspace.indexes.summary(name)
    except AgentkitError as error:  # a full disk
        return Check(label, CheckVerdict.WRONG, str(error))
    if summary.problem:
        remedy = f"where nothing can be saved: agentkit indexes remove {name}, then index again"
        return Check(label, CheckVerdict.WRONG, summary.problem, remedy if summary.is_damaged else "")
    detail = f"{summary.file_count} files, {summary.chunk_count} chunks, {summary.skipped_count} skipped"
    embedder = workspace.models.embedder_name
    if summary.embedder and summary.embedder != embedder:
        mismatch = f"made with the embedder {summary.embedder}, and the settings name {embedder}"
        return Check(label, CheckVerdict.WRONG, mismatch, f"agentkit indexes rebuild {name} --reembed")
    if writer := summary.writer:
        return Check(label, CheckVerdict.NOTE, f"{detail}; being written by {writer}", "wait for it")
    if summary.is_dirty:
        remedy = shlex.join(["agentkit", "index", *summary.sources, "--name", name])
        return Check(label, CheckVerdict.NOTE, f"{detail}; a change was interrupted", remedy)
    return Check(label, CheckVerdict.OK, detail)


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if folder.exists())
