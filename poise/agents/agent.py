"""An agent: a name, a seat, a graph and its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from poise.agents.protocols import Concession, Conduct, Learner, Policy, ReplyForm
from poise.common.errors import AgentError
from poise.games.moves import Seat

if TYPE_CHECKING:
    from poise.agents.models.adapters import Adapter


Offers = Literal["policy", "model"]


@dataclass(frozen=True, repr=False)
class Agent:
    """One agent, declared: everything needed to play it, and data that identifies it.

    name:            as the user wrote it, without the model.
    seat:            the seat it plays.
    make_policy:     a fresh policy; called once a series for a learner, once a match otherwise.
    make_concession: a fresh concession.
    persona:         a debtor's character, or None.
    offers:          who decides the number; None takes the tournament's setting.
    reading:         how a model that decides the number answers; None takes the tournament's setting.
    model:           the agent's own model URI; None takes the tournament's.
    make_graph:      builds the agent's own seat graph (a LangGraph StateGraph), or None for the usual one.
    settings:        JSON data that, with the name, says which agent this is.
    privileged:      it is shown the other seat's notes, which no other agent sees; declared, so that every transcript
                     and report says so. For upper bounds.
    adapter:         how a model that words its moves is tuned, or None.
    conduct:         what a creditor's model hears about words that break a rule of conduct; None takes the tournament's
                     setting.
    file:            the file of your own that it comes from; "" for any other.
    policy_model:    the URI of the model that its policy asks beside the words; "" for none.
    worlds:          the digests of the simulated worlds whose debtors it was trained on.
    detector:        the file of the fitted detector that reads the other side for it; "" for the tournament's.
    """

    name: str
    seat: Seat
    make_policy: Callable[[], Policy]
    make_concession: Callable[[], Concession]
    persona: Any = None
    offers: Offers | None = None
    reading: ReplyForm | None = None
    model: str | None = None
    make_graph: Callable[[], Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    privileged: bool = False
    adapter: Adapter | None = None
    conduct: Conduct | None = None
    human: bool = False
    file: str = ""
    policy_model: str = ""
    worlds: frozenset[str] = frozenset()
    detector: str = ""

    def __repr__(self) -> str:
        model, file = (f"{word} {one}" if one else "" for word, one in ((" with", self.model), (" from", self.file)))
        return f"<Agent {self.name!r}, {self.seat}{model}{file}>"

    def model_in(self, default: str) -> str:
        """The URI of the model that it plays with where agents that name none play with `default`.

        An agent with an adapter speaks with a model: where the others do without one, with the embedded one.
        Raises AgentError where the adapter is not known to be served.
        """
        if self.adapter is None or self.model is not None:
            return self.model or default
        from poise.agents.models.models import uri_with_adapter

        return uri_with_adapter(self.adapter, default)

    def conduct_in(self, default: Conduct | None) -> Conduct:
        """What is done about its words where agents that do not say take `default`; rules bind creditors alone."""
        return (self.conduct or default or "record") if self.seat == "creditor" else "record"

    def reading_in(self, offers: Offers, default: ReplyForm | None) -> ReplyForm:
        """How its model answers where those that do not say take `default`; in words where it decides nothing.

        Raises AgentError where the agent itself asks for another form and decides nothing.
        """
        if self.reading == "structured" and offers == "policy":
            raise AgentError(
                f"reading=structured of {self.name!r} is for a model that decides the number; add offers=model, or "
                "leave reading out"
            )
        return self.reading or (default if default and offers == "model" else "words")

    @property
    def learns(self) -> bool:
        """Whether it carries memory from one negotiation of a series to the next."""
        return isinstance(self.make_policy(), Learner)

    def declared(self) -> dict[str, Any]:
        """JSON data that identifies the agent in a match's identity and in its transcript."""
        data: dict[str, Any] = {"name": self.name, "seat": self.seat}
        if self.model is not None:
            data["model"] = self.model
        if self.offers is not None:
            data["offers"] = self.offers
        if self.reading is not None:
            data["reading"] = self.reading
        if self.privileged:
            data["privileged"] = True
        if self.human:
            data["human"] = True
        if self.settings:
            data["settings"] = dict(self.settings)
        return data

    def declared_in(
        self,
        model: str,
        offers: Offers | None,
        conduct: Conduct | None,
        reading: ReplyForm | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The same with all that it plays with, where agents that do not say take these settings.

        options: of the model. What is done about its words is part of it where that can change them: where a model
        speaks. A grammar is part of it where the options do not say so, since before it was the default such an agent
        spoke freely.
        """
        from poise.agents.models.models import model_identity, wording_of
        from poise.agents.models.settings import GRAMMAR, SCRIPTED

        uri = self.model_in(model)
        decides = self.offers or offers or "policy"
        data = {**self.declared(), "model": uri, **model_identity(uri), "offers": decides}
        if self.reading_in(decides, reading) == "structured":
            data["reading"] = "structured"
        if decides == "policy" and not (options or {}).get("wording") and wording_of(uri, "", self.adapter) == GRAMMAR:
            data["wording"] = GRAMMAR
        kept = self.conduct_in(conduct) == "record" or uri == SCRIPTED
        return data if kept else data | {"conduct": self.conduct_in(conduct)}


def default_concession(seat: Seat) -> str:
    """The concession of an agent that names none."""
    return "linear" if seat == "creditor" else "boulware"
