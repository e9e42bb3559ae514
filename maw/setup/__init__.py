"""What `maw init` changes, written down as it is done, so that `maw uninstall` can take exactly that back."""
