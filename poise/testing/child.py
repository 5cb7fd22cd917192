"""The checks of an agent in a child process, so that there is a verdict whatever its file does."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import connection
from typing import Any, Final

from poise.common.errors import PoiseError
from poise.common.processes import begin_worker, error_from_worker, how_it_ended, worker_context
from poise.graphs.pairing import PlaySettings
from poise.testing.agents import check_names, each_agent_check
from poise.testing.bench import Bench, find_in_either_seat
from poise.testing.checks import Check

_START_SECONDS: Final = 60.0
_MATCHES: Final = 4  # a step may take as long as this many matches, plus the start
_LAST_SECONDS: Final = 5.0  # from closing its pipe to the end of the child
_ENDS: Final = "every check gives a result"


def check_in_child(spec: str, settings: PlaySettings, step_seconds: float | None = None) -> tuple[str, list[Check]]:
    """(the agent's name and seat, its checks), made by `check_agent` in a child process.

    step_seconds: wall-clock time that the import of the agent's file may take, and each check.

    A child that ends early, takes too long or leaves out checks fails an additional check. Raises PoiseError where the
    agent cannot be found or its file fails on import.
    """
    title, checks, privileged, problem = spec, list[Check](), False, ""
    for news in _news(spec, settings, step_seconds or _START_SECONDS + _MATCHES * settings.match_seconds):
        match news:
            case ("agent", title, privileged):
                pass
            case ("result", *content):
                checks.append(Check(*content))
            case ("error", name, text):
                raise error_from_worker(name, text)
            case ("problem", problem):
                pass
    left_out = set(check_names(settings, privileged=privileged)) - {check.name for check in checks}
    if not problem and left_out and all(check.ok for check in checks):
        problem = f"there is no result for: {', '.join(sorted(left_out))}; the file must not replace Poise's functions"
    return title, [*checks, Check(_ENDS, ok=False, detail=problem)] if problem else checks


def _news(spec: str, settings: PlaySettings, seconds: float) -> Iterator[Any]:
    """The tuples that the child sends, their kind first; at last a "problem" where it does not finish."""
    context: Any = worker_context((spec, settings), registered=False)
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_check, args=(theirs, spec, settings), daemon=True, name="poise-check")
    child.start()
    theirs.close()
    limit = max(seconds, _START_SECONDS)
    try:
        while connection.wait([ours, child.sentinel], limit):
            if not ours.poll():
                raise EOFError
            news = ours.recv()
            if news[0] == "end":
                return
            limit = seconds
            yield news
        yield "problem", f"no result within {seconds:g} s; look for a loop without an end, or raise --message-seconds"
    except EOFError:
        child.join(_LAST_SECONDS)
        how = how_it_ended(child.exitcode)
        yield "problem", f"the process ended early ({how}); an agent's code must not end the process that plays it"
    finally:
        child.kill()
        child.join()
        ours.close()


def _check(pipe: Any, spec: str, settings: PlaySettings) -> None:
    """The child process."""
    begin_worker()
    check = each_agent_check  # bound before the agent's file runs, which may replace attributes of modules
    pipe.send(("started",))
    try:
        agent = find_in_either_seat(spec)
        pipe.send(("agent", f"{agent.name}, a {agent.seat}", agent.privileged))
        for made in check(Bench(agent, settings)):
            pipe.send(("result", made.name, made.ok, made.detail, made.traceback))
    except PoiseError as error:
        pipe.send(("error", type(error).__name__, str(error)))
    except BaseException as error:  # noqa: BLE001 - the parent reports it as a failed check
        pipe.send(("problem", f"the agent's code raised {type(error).__name__}: {error}"))
    pipe.send(("end",))
