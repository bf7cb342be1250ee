"""What runs inside the restricted process. It imports the standard library and nothing else: the process knows no more."""
