"""How much a tick, a replay, a supervisor and the demo cost: `python -m bench`.

    __main__     options, the order of the scenarios
    rows         every row of the table: what it means and what the contract allows
    table        results as text or JSON
    measure      CPU, memory and time of a fresh process, and of one that runs
    worlds       a workflow in a temporary folder, and how its tick is typed
    ledgers      long ledgers, made of real events
    ticks        scenarios: the idle tick and the replay
    crowd        scenario: a tick with many runs and a long queue
    supervising  scenario: a supervisor under an even stream of events
    emitter      the app-server that makes this stream
    demoing      scenario: the demo

These are no tests: a figure depends on the machine, a ratio against `python -c pass` hardly does.
"""
