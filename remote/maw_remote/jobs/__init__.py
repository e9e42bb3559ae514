"""What tasks do, a module or package a kind, each with a `Job`. `registry` has them all."""
