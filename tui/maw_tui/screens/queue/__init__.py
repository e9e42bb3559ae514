"""The Queue screen: what the nodes do and did, and what waits for them."""
