"""Who decides: emotions, policies, concessions, personas and voices.

The folders, each importing only from those before it:

    models         language models: URIs, calls, adapters, the embedded one
    emotions       the 7 and 28 emotions, the detector, the tracker of hidden states
    conduct        rules of conduct, and the checker that counts violations
    voices         putting a move into words
    personas       debtors with a character
    simulated      the simulated debtor and its world
    policies       which emotion to show: one file a system
    judges         how a finished negotiation is scored
    game_players   OpenSpiel's players on the offers

`agent` and `protocols` say what an agent is made of, `concessions` how it bargains; `registry` finds agents by name,
`builtin` and `trained` hold those that come with Poise and those that were trained, `settings` changes parts of one.
"""
