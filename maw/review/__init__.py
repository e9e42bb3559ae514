"""The Air's side of a review, shared by the hook and `maw review`. Standard library only (hook path).

`request` makes the task, `follow` submits it and tells what happens, `outcome` is what came of it, `render` turns
findings into lines of text.
"""
