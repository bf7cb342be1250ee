"""Which of two models does people's own work better, by how much, and whether that is known well enough."""
