"""Amazon RDS on this machine: its API over HTTP on loopback, and a real server behind each instance."""
