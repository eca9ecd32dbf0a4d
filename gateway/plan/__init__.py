"""How a plan is shown: as tables, as JSON, as a plot; and the file of figures it is reckoned with.

Does not: reckon anything (`gateway/core/plan`).
"""
