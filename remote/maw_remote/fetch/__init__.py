"""Files from the web, fetched by a process of their own (`python -m maw_remote.fetch`): what it holds dies with it."""
