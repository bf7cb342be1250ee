"""What a deployment must meet: given by name and value (``values``), or said in English or Chinese (``reading``)."""
