"""Two primaries that follow each other, between which application servers are moved one at a time."""
