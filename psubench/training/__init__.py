"""Networks are trained here: recipes, checkpoints, and the campaign over neurons, data and seeds."""
