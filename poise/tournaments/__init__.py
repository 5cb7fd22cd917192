"""Many negotiations and what they show.

    config, schedule    the settings, and who plays whom on what
    matchmaking         the pairings of a schedule, and whether their models are there
    workers/            threads, processes and nodes of a cluster that play matches
    runner              plays a tournament into its folder; watch, estimate and results are what it shows and returns
    merging             joins parts that were played apart
    storage/            the folder: one SQLite file, whole matches; `Snapshot` is a tournament at one moment
    statistics/         standings, ratings, power, changes     game_theory/  the bimatrix and its solutions
    process/            how negotiations went                  judging/      judge and referee
    charts/             pictures and what pages share          report/       the page in one file
    export              tables as data frames and files
    human/              a person's match                       view/         the local web app

After a run, everything is a pure function of one `poise.tournaments.storage.snapshot.Snapshot`. A folder imports only
from those before it: storage <- statistics <- game_theory, process, judging <- charts <- report, view. config and
schedule stand below all of them; workers, matchmaking, runner, watch, estimate, results, export and human stand beside,
above storage and below view.

Begin with `poise.tournaments.runner.run_tournament`. Transcripts are read with `Store.read(folder).transcripts()`.
"""
