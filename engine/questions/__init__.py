"""What served models are asked, and how each question is worded."""
