"""Networks are trained here: recipes, checkpoints, and the epochs of one training."""
