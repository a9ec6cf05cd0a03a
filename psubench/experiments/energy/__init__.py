"""How many joules does the hardware spend?"""
