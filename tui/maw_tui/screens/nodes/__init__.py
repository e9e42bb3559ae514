"""The Nodes screen: what the nodes have loaded, what it takes, and how busy they are."""
