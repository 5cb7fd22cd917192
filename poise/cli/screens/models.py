"""The embedded models, and the check of one, for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from poise.agents.models.calls import open_caller
from poise.agents.models.embedded.folder import ModelFile, find_model, list_models, models_folder
from poise.agents.models.endpoint import Question
from poise.agents.models.models import check_model
from poise.agents.models.settings import ModelSettings
from poise.common.errors import BadReply, PoiseError

_SAID: Final = 100


def show_models(screen: Console, *, as_json: bool) -> None:
    """List the models that `embedded:NAME` can play."""
    rows = [_model_data(model) for model in list_models()]
    if as_json:
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    table = Table(box=SIMPLE_HEAD)
    for column in ("name", "architecture", "parameters", "context", "size", "template", "where"):
        table.add_column(column, no_wrap=column == "name", style="bold" if column == "name" else "")
    for row in rows:
        if problem := row.get("problem"):
            table.add_row(Text(row["name"]), Text(problem, style="red"), "", "", "", "", row["where"])
            continue
        sizes = f"{row['parameters'] / 1e6:,.0f} M", f"{row['context']:,}", f"{row['bytes'] / 1e6:,.0f} MB"
        table.add_row(Text(row["name"]), Text(row["architecture"]), *sizes, row["template"], row["where"])
    screen.print(table)
    screen.print(f"The models folder is {models_folder()}; `poise models add FILE` adds one.", style="dim")


def _model_data(model: ModelFile) -> dict[str, Any]:
    try:
        header = model.header
    except PoiseError as error:
        return {"name": model.name, "where": model.place, "problem": str(error)}
    return {
        "name": model.name,
        "where": model.place,
        "path": str(model.path),
        "architecture": header.architecture,
        "parameters": header.parameters,
        "context": header.context,
        "bytes": header.size,
        "template": model.template or ("its own" if header.template else "none"),
    }


def show_model_check(screen: Console, name: str, options: Mapping[str, Any]) -> None:
    """Check a model as a tournament would, and ask it for a reply. Raises the error that a tournament would."""
    uri, settings = f"embedded:{name}", ModelSettings.from_options(options)
    remarks = check_model(uri, settings)
    model = find_model(name)
    header, template = model.header, settings.template or model.template or "of the file"
    screen.print(
        Text(
            f"{uri}: {header.architecture}, {header.parameters / 1e6:,.0f} million parameters, {header.context:,} "
            f"tokens of context, chat template {template}\nsha256:{model.sha256}"
        )
    )
    for remark in remarks:
        screen.print(Text(remark, style="yellow"))
    question = Question([("system", "Reply in one short sentence."), ("user", "When will you pay?")], seed=1)
    try:
        reply = open_caller(uri, settings).ask(question)
        said, tokens, seconds = reply.text, reply.usage["reply_tokens"], reply.usage["model_seconds"]
    except BadReply as odd:
        usage = getattr(odd, "usage", {})
        said, tokens, seconds = getattr(odd, "text", ""), usage.get("reply_tokens", 0), usage.get("model_seconds", 0)
    words = "".join(letter if letter.isprintable() else " " for letter in said)[:_SAID]
    screen.print(Text(f"it loads, and says: {words!r} ({tokens:.0f} tokens in {seconds:.1f} s, loading included)"))
