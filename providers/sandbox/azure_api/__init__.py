"""Azure's MySQL services on this machine: Resource Manager over HTTP on loopback, real servers behind it."""
