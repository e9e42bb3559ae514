"""What `maw doctor` looks at: each check tells what it is about, what it found and, where needed, how to mend it."""
