"""How long do training and inference take?"""
