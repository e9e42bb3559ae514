"""What a failing command says is to be mended: the places that its output names, and the definitions they are about."""
