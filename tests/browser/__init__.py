"""The whole path in a real browser: real localaws, real gateway, real page."""
