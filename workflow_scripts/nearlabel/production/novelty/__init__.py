"""How unlike the training images an image is, and what held-out images say of that: p-values and sets of labels."""
