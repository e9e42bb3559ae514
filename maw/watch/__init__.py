"""What goes on at the nodes, kept up to date in the background: for whoever shows it for long (the TUI).

Each node has a thread that lists its tasks, follows its events, and begins again when the connection breaks (node.py);
what it learns stands on a board that anybody may look at (board.py). Nothing here starts the runner of this machine:
who looks on is no reason for it to run.
"""
