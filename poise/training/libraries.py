"""The libraries of the `train` extra, imported when they are used and kept quiet, and where torch computes."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from poise.common.errors import ConfigError

Device = Literal["cpu", "cuda"]
_QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
}


def library(name: str) -> Any:
    """The module `name` of the `train` extra.

    Raises:
        ConfigError: it is not installed.
    """
    if "transformers" not in sys.modules:  # they are read once
        for variable, value in _QUIET.items():
            os.environ.setdefault(variable, value)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"this training needs {name}, which cannot be imported ({error}); install it with: "
            "pip install 'poise[train]'"
        ) from None


def require_torch() -> Any:
    """The module torch. Raises ConfigError where it is not installed."""
    return library("torch")


def choose_device(device: str = "auto") -> Device:
    """The requested device; "auto" is cuda where there is one.

    Raises:
        ConfigError: it is not available, or torch is not installed.
    """
    cuda = require_torch().cuda.is_available()
    if device in ("auto", "cuda") and cuda:
        return "cuda"
    if device in ("auto", "cpu"):
        return "cpu"
    raise ConfigError(f"device {device!r} is not available; this machine has cpu{' and cuda' if cuda else ''}")


@contextmanager
def quietly() -> Iterator[None]:
    """No bars, no notes and no warnings of these libraries; what is wrong with a model is raised, not noted."""
    transformers = library("transformers")
    logs = transformers.utils.logging
    level, bars = logs.get_verbosity(), logs.is_progress_bar_enabled()
    logs.set_verbosity_error()
    logs.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logs.set_verbosity(level)
        if bars:
            logs.enable_progress_bar()
