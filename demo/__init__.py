"""`make demo`: the whole way once, on this machine, with everything real but the size of the model."""
