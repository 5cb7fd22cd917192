"""`poise view`: a local web app that shows tournaments, live while they run, and has a seat for a person.

    library         the tournaments under the folder, read again when they grow
    choice          the filters, as they stand in an address
    live            running or not, how far, and how long still
    app, pages      addresses and their pages             guard    who may ask, and what a page may do
    overview        standings, payoffs, outcomes          matches  the list, piece by piece
    science         ratings and the game between the fields, as in the report (`..rating_figures`, `..game_figures`)
    replay, turns   one match, message by message and node by node
    prompts         what a model was told and said, try by try
    changes         two runs, cell by cell                charts, drawing   pictures, graphs with nodes to light
    seat, seats     a person's seat: its pages and forms; the negotiations, each step in a thread
    invitation      what somebody asks for who takes a seat
    server          a socket, and its address

Starlette and uvicorn, because an app of a dozen pages needs routes and nothing else; Jinja2, because it
escapes by default; pictures are SVG with classes, because the pages' policy forbids style attributes and because they
then follow the reader's light or dark scheme.
"""
