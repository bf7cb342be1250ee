"""A small real model, changed a little in many ways, each served by a real server; and who notices."""
