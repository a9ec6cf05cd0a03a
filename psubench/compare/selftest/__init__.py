"""How often verdicts err: equal code, and code made slower on purpose."""
