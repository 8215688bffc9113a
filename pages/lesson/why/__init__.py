"""The lesson's chapter `why`."""
