"""From two records, or two revisions, to verdicts that a CI can trust, and tests of these verdicts.

Read `verdicts` first, then `decide` (the statistical test), `git.ab_run` (how two sides are measured) and
`selftest` (how often the verdicts are wrong).
"""
