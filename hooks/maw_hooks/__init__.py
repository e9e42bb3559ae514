"""What git calls. Standard library only from start to exit: every import is paid at every commit."""
