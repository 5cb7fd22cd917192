"""The settings of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final
from urllib.parse import urlsplit

from poise.agents.models.sampling import sampling_table
from poise.common.errors import AgentError
from poise.common.words import did_you_mean

Scalar = str | int | float | bool
SCRIPTED: Final = "scripted"
FREE: Final = "free"
GRAMMAR: Final = "grammar"
_EXTRA: Final = "extra."
_SECRET: Final = re.compile(
    r"(?:api|access|auth|secret|private|bearer)[-_]?(?:key|token)|secret|passw|credential|authori[sz]ation|cookie"
    r"|(?:^|[.&])(?:key|token|pwd|headers?)(?:$|[=.])",
    re.I,
)
_KEY: Final = re.compile(r"\s*(?:sk|pk|hf|ghp|gsk|xai)[-_]\w{4}|\s*bearer\s", re.I)
_TEMPERATURE: Final = 0.7


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How models are called.

    temperature: randomness of the words, >= 0; None is as in sampling.toml for the embedded model, and for a server 0.7
                 or that of its `sampling`.
    seed:        sent with every call; None draws one for each message from the match's seed, so that repeats differ.
    max_tokens:  longest reply (tokens).
    thinking:    tokens that a model may think before each reply, beside max_tokens; 0 switches its thoughts off. None
                 leaves the choice to an OpenAI-compatible server, and is 0 for all others.
    context:     longest conversation (tokens); `num_ctx` for Ollama, the size of one slot for the embedded model, which
                 takes no more than its file says.
    keep_alive:  how long Ollama keeps the model loaded, such as "10m", or "-1" for as long as it runs.
    timeout:     seconds that one call may take in all, from request to last word.
    patience:    seconds to keep trying a server that is down or fails, with growing pauses.
    base_url:    the server; "" takes the provider's environment variable, such as OLLAMA_HOST, or the usual address.
                 Several, with commas between them, serve the same model and share the negotiations.
    api_key:     for OpenAI-compatible servers; "" takes OPENAI_API_KEY. Not shown, not stored.
    slots:       conversations whose prompts the embedded model keeps in memory: two for each match in flight.
    threads:     of the embedded model; 0 takes all cores.
    cache:       SQLite file that keeps replies, so that the same calls are not made twice; "" for none.
    sampling:    a table of sampling.toml by which a server is to sample, such as "small" for models of less than a
                 billion parameters; "" leaves all but the temperature to the server. Embedded models have their own.
    template:    the chat template of embedded models, but smollm2, in place of the file's own: chatml, gemma, plain, or
                 a file with a Jinja template.
    weights:     "published" plays smollm2 from its file as it was published, as before there was a quicker copy of it.
    engines:     how many engines an embedded model's negotiations are spread over; 0 for the quickest number.
    wording:     "grammar" holds the words of a decided offer to its number, where a model can be held to a grammar;
                 "free" does not; "" does with embedded models of less than a billion parameters without an adapter.
    gpu_layers:  how many layers of an embedded model a GPU holds, where llama.cpp was built for one; -1 for all.
    extra:       further options of the model's own, as (name, value) pairs, such as ("top_p", 0.9).

    Raises AgentError for a value out of bounds.
    """

    temperature: float | None = None
    seed: int | None = None
    max_tokens: int = 48
    context: int = 4096
    keep_alive: str = "10m"
    timeout: float = 45.0
    patience: float = 60.0
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    slots: int = 4
    threads: int = 0
    cache: str = ""
    sampling: str = ""
    template: str = ""
    weights: str = ""
    engines: int = 0
    gpu_layers: int = 0
    wording: str = ""
    thinking: int | None = None
    extra: tuple[tuple[str, Scalar], ...] = ()

    def __post_init__(self) -> None:
        _between("max_tokens", self.max_tokens, 1, 4096)
        _between("context", self.context, 256, 1 << 20)
        _between("slots", self.slots, 1, 256)
        _between("threads", self.threads, 0, 1024)
        _between("timeout", self.timeout, 0.01, 86_400)
        _between("patience", self.patience, 0, 86_400)
        _between("engines", self.engines, 0, 64)
        _between("gpu_layers", self.gpu_layers, -1, 1024)
        if self.thinking is not None:
            _between("thinking", self.thinking, 0, 65_536)
        if self.weights not in ("", "published"):
            raise AgentError(f"weights {self.weights!r} is neither 'published' nor left out")
        if self.wording not in ("", FREE, GRAMMAR):
            raise AgentError(f"wording {self.wording!r} is neither 'grammar' nor 'free' nor left out")
        if self.sampling and self.sampling not in sampling_table():
            hint = did_you_mean(self.sampling, sampling_table())
            raise AgentError(
                f"sampling {self.sampling!r} does not exist; {hint}there are {', '.join(sampling_table())}"
            )
        if self.temperature is not None:
            _between("temperature", self.temperature, 0, 5)
        if self.seed is not None:
            _between("seed", self.seed, 0, (1 << 31) - 1)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> ModelSettings:
        """Settings from a configuration's flat options; `extra.NAME` is a further option of the model's own.

        Raises AgentError for an unknown name, for a value of the wrong kind, and for secrets, which do not
        belong in a configuration because it is stored with the results.
        """
        known = {setting.name for setting in fields(cls)}
        values: dict[str, Any] = {}
        extra: list[tuple[str, Scalar]] = []
        for name, value in options.items():
            if is_secret(name, value):
                raise AgentError(f"{name} holds a secret, and a configuration is stored; set OPENAI_API_KEY instead")
            if name.startswith(_EXTRA):
                extra.append((name.removeprefix(_EXTRA), value))
            elif name not in known or name == "extra":
                names = sorted(known - {"api_key", "extra"})
                raise AgentError(
                    f"model option {name!r} is unknown; {did_you_mean(name, names)}there are {', '.join(names)}, and "
                    f"{_EXTRA}NAME"
                )
            else:
                values[name] = _convert(name, value)
        return cls(**values, extra=tuple(extra))

    def declared(self) -> dict[str, Any]:
        """Everything but the key, as JSON data; settings that older files lack are included only where they are set.

        Free words are what older files meant by saying nothing.
        """
        given = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        unset = {None, "", 0, FREE}
        kept = {
            name: value
            for name, value in given.items()
            if name != "api_key" and (name not in _LATER or value not in unset)
        }
        return kept if self.thinking is None else kept | {"thinking": self.thinking}

    def longest(self, room: int = 0) -> int:
        """The most tokens that one call may generate: the reply's, what its form takes (`room`), and thoughts."""
        return self.max_tokens + room + (self.thinking or 0)

    def sampled(self) -> dict[str, Any]:
        """How a server is to sample, by llama.cpp's and Ollama's names."""
        options = dict(sampling_table()[self.sampling]) if self.sampling else {"temperature": _TEMPERATURE}
        return options if self.temperature is None else options | {"temperature": self.temperature}


def is_secret(name: str, value: object) -> bool:
    """Whether a model option holds a secret: by its name, or by a user or key in an address."""
    if _SECRET.search(name) or _KEY.match(str(value)):
        return True
    if name != "base_url":
        return False
    try:
        addresses = [urlsplit(one.strip()) for one in str(value).split(",")]
        return any(one.username or one.password or _SECRET.search(one.query) for one in addresses)
    except ValueError:
        return True  # an address that cannot be read may hold anything


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise AgentError(f"{name} {value!r} is not a number from {low} to {high}")


_LATER: Final = frozenset({"sampling", "template", "weights", "engines", "gpu_layers", "thinking", "wording"})
_WHOLE: Final = frozenset({"seed", "max_tokens", "thinking", "context", "slots", "threads", "engines", "gpu_layers"})
_REAL: Final = frozenset({"temperature", "timeout", "patience"})


def _convert(name: str, value: Any) -> Any:
    try:
        if name in _WHOLE:
            if float(value) != int(value):
                raise ValueError
            return int(value)
        return float(value) if name in _REAL else str(value)
    except (TypeError, ValueError):
        kind = "a whole number" if name in _WHOLE else "a number"
        raise AgentError(f"model option {name} is {value!r}; it must be {kind}") from None
