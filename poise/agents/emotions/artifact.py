"""The detector on disk: one .npz of plain arrays, no pickle.

format        int: FORMAT
words, chars  UTF-8 bytes, features joined by line feeds
documents     int: training texts N;  frequency  uint16: texts that hold each feature (idf follows from the two)
weights, scale, bias, thresholds, temperatures   as in `Model`
provenance    UTF-8 bytes, JSON
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.features import Features
from poise.agents.emotions.model import HEADS, Model
from poise.common.errors import BadInput
from poise.common.files import DAMAGED, draft

FORMAT: Final = 1
_REMEDY: Final = "reinstall Poise, or train it again: python -m poise.training.detector.fit --data DIR --out FILE"


def inverse_frequency(documents: int, frequency: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Smoothed idf, ln((1 + N) / (1 + N_i)) + 1, as scikit-learn's."""
    return (np.log((1 + documents) / (1 + frequency.astype(np.float64))) + 1).astype(np.float32)


def save_detector(model: Model, path: Path, documents: int, frequency: NDArray[np.uint16]) -> None:
    """Write `model`, whole or not at all, and the same bytes for the same model.

    documents: training texts. frequency: how many of them hold each feature, shape (features,).
    """
    with draft(path) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array(FORMAT),
            words=_to_bytes("\n".join(model.features.words)),
            chars=_to_bytes("\n".join(model.features.chars)),
            documents=np.array(documents),
            frequency=frequency,
            weights=model.weights,
            scale=model.scale,
            bias=model.bias,
            thresholds=model.thresholds,
            temperatures=np.array(model.temperatures),
            provenance=_to_bytes(json.dumps(model.provenance, sort_keys=True)),
        )


def load_detector(path: Path) -> Model:
    """Read a model.

    Raises:
        BadInput: the file is missing, damaged, of another format, or its parts do not fit together.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            return _build({Path(name).stem: _array(archive, name) for name in archive.namelist()})
    except DAMAGED as error:
        msg = f"{path}: no usable detector ({error}); {_REMEDY}"
        raise BadInput(msg) from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    # Member by member and not by np.load, which leaves the file open when the archive is damaged.
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _build(arrays: dict[str, NDArray[Any]]) -> Model:
    """A model from the arrays; ValueError or KeyError where they do not fit."""
    _expect("format", int(arrays["format"]), FORMAT)
    words, chars = (_to_text(arrays[name]).split("\n") for name in ("words", "chars"))
    size, heads = len(words) + len(chars), len(HEADS)
    shapes = {"frequency": (size,), "weights": (size, heads), "temperatures": (2,)}
    shapes |= dict.fromkeys(("scale", "bias", "thresholds"), (heads,))
    for name, shape in shapes.items():
        _expect(f"the shape of {name}", arrays[name].shape, shape)
        if not np.isfinite(arrays[name]).all():
            msg = f"{name} holds a number that is not finite"
            raise ValueError(msg)
    _expect("the type of weights", arrays["weights"].dtype, np.dtype(np.int8))
    hot28, hot7 = (float(value) for value in arrays["temperatures"])
    if min(hot28, hot7) <= 0:
        msg = "a temperature is not above 0"
        raise ValueError(msg)
    idf = inverse_frequency(int(arrays["documents"]), arrays["frequency"])
    scale, bias, thresholds = (arrays[name].astype(np.float32) for name in ("scale", "bias", "thresholds"))
    provenance = json.loads(_to_text(arrays["provenance"]))
    _expect("the type of provenance", type(provenance), dict)
    return Model(Features(words, chars, idf), arrays["weights"], scale, bias, thresholds, (hot28, hot7), provenance)


def _expect(what: str, found: object, due: object) -> None:
    if found != due:
        msg = f"{what} is {found} where {due} is due"
        raise ValueError(msg)


def _to_bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def _to_text(array: NDArray[Any]) -> str:
    return array.tobytes().decode()
