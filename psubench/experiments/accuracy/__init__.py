"""How well does a trained network classify?"""
