"""Maps of a node's images: where each lies in the plane, its nearest others, how well it fits its cluster."""
