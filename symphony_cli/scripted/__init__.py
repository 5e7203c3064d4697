"""A scripted app-server: the Codex protocol over stdio, with a JSON script in the model's place.

It serves the demo, and tests of what the real Codex will not do on demand. The commands it runs,
the files it edits and the commits it makes are real; only what to do next comes from a script.

    __main__   options, start
    script     what a script may say
    reading    a script made from JSON
    server     requests of the client
    params     members of those requests
    live       one loaded thread: its rollout, its commands, the turn that runs
    player     plays one turn: which steps, and how it ends
    steps      what each step does
    asks       questions to the client, and what an answer means
    record     what is known of a thread: facts, and how they add up
    rollout    a thread on disk: one JSON line per fact, one writer
    terminals  commands, each in a session of its own
    edits      changes of files
    shapes     the members of protocol messages
    wire       lines in, lines out
"""
