"""The runner's HTTP API: the application, its routes by what they serve, and the form of its errors."""
