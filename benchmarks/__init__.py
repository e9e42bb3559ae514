"""What maw promises about its speed, measured: `make bench`."""
