"""Two models on a task: asked for, run, kept, ruled on by what a deployment demands, and told."""
