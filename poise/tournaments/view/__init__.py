"""`poise view`: a local web app that shows tournaments, live while they run, and has a seat for a person.

    server, connections   the socket and its address; time limits for requests
    app, pages, guard     routes, templates, and who may send a request
    library, live         the tournaments under the folders, and the progress of those that run
    overview, downloads   standings, payoffs and outcomes; their tables and figures as files
    matches               the list of matches and its filters
    replay, turns         one match, message by message and node by node
    prompts               the prompts and replies of a message, try by try
    charts, compare       pictures of a match; two runs side by side
    seat, seats           a person's seat: its pages and forms; its negotiations, each step in a thread
    invitation            the form in which a person asks for a seat

Starlette and uvicorn, because an app of a dozen pages needs routes and nothing else; Jinja2, because it
escapes by default; pictures are SVG with classes, because the pages' policy forbids style attributes and because they
then follow the reader's light or dark scheme.
"""
