"""Many negotiations and what they show.

    config     the settings                          standings, stats   who won, with intervals
    schedule   who plays whom on what                report             the page in one file
    runner     plays a tournament into its folder    render, progress   tables and progress in the terminal
    store      the folder: SQLite, whole matches     estimate           what a tournament would cost

Begin with `poise.tournaments.runner.run_tournament`. Transcripts are read with `Store.read(folder).transcripts()`.
"""
