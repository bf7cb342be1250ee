"""Opening weights: everything that reads the values of tensors."""
