"""Who it is done to: MySQL servers, clouds, and the sandbox on this machine."""
