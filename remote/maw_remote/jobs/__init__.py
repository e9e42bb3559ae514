"""What tasks do, one module a kind, each fitting `Job`. JOBS names them."""
