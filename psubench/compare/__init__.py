"""Two records, or two revisions, to verdicts that a CI can trust; and the proof that it can.

Read `compare` first (the verdicts), then `timing` (the test), `duel` (how two sides are measured) and
`selftest` (how often all of it errs). Nothing outside of this package knows what a verdict is.
"""
