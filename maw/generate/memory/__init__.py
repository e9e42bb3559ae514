"""What was generated and what became of it: kept, found again in the commits that contain it, and shown to the next."""
