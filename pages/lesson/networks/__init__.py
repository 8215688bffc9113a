"""The lesson's chapter `networks`."""
