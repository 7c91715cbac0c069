"""Microsoft Azure: what the wizard asks of its MySQL services, of its migration service, and how."""
