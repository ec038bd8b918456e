"""The image of the web tier in a container on this machine, run by runc as container services run it."""
