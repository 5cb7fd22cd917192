"""torch, which trains networks, and where it computes."""

from __future__ import annotations

from typing import Any, Literal

from poise.common.errors import ConfigError

Device = Literal["cpu", "cuda"]


def require_torch() -> Any:
    """The module torch.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"training a network needs torch, which cannot be imported ({error}); install it with: "
            "pip install 'poise[train]'"
        ) from None
    return torch


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
